from __future__ import annotations

from pathlib import Path

from artifact_units.files.storage import sha256_of
from artifact_units.generators import load_generator

DEMO = Path(__file__).parents[2] / "demo"


def test_the_shipped_networks_are_the_ones_whose_sums_are_pinned() -> None:
    lines = (DEMO / "SHA256SUMS").read_text().splitlines()
    pinned = {name: sha256 for sha256, name in (line.split() for line in lines)}
    shipped = {file.name: sha256_of(file) for file in DEMO.glob("*.safetensors")}
    assert shipped == pinned


def test_the_shipped_generator_is_a_pggan_of_64_px() -> None:
    generator = load_generator(DEMO / "church_generator.safetensors")
    assert (generator.image_px, generator.latent_dim, len(generator.layers)) == (64, 64, 10)
