"""The whole pipeline, sample to export, on one small checkpoint of each family.

They run in this process, so that torch is imported once.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from checkout import Checkout
from parity.cases import FOLDER
from small_run import put_user, run_whole

from artifact_units.corrections.export import difference, read_edits
from artifact_units.files.manifests import SUFFIX
from artifact_units.files.storage import sha256_of
from artifact_units.generators import load_generator
from artifact_units.layers.edits import Scale

# Checkpoint, what a .yaml file must say of it, and the layout that the correction comes out in.
FAMILIES = {
    "pggan": ("pggan-gandissect-a/checkpoint.pth", "", "pggan-gandissect"),
    "stylegan2": ("stylegan2-nvada-a/network-snapshot-py37.pkl", "", "artifact-units"),
    "unetgan": ("unetgan-a/G_ema_ep_82.pth", "", "unetgan"),
    "biggan": ("biggan-ajbrock-a/G_ema_best0.pth", "class: 2", "biggan-ajbrock"),
}


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch, tmp_path):
    """A working folder of its own, and torch left as it was found."""
    monkeypatch.chdir(tmp_path)
    before = torch.get_deterministic_debug_mode()
    yield
    torch.set_deterministic_debug_mode(before)


def user(checkout: Checkout, checkpoint: Path, said: str) -> Path:
    """A checkpoint of a public layout, and a .yaml file where more must be said of it."""
    (checkout.path / checkpoint.name).write_bytes(checkpoint.read_bytes())
    generator = checkpoint.name
    if said:
        generator = "generator.yaml"
        beside = f"generator: {checkpoint.name}\nsha256: {sha256_of(checkpoint)}"
        (checkout.path / generator).write_text(f"{beside}\n{said}\n")
    put_user(checkout, generator, load_generator(checkout.path / generator).image_px, {})
    return Path(generator)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_pipeline_runs_on_a_checkpoint_of_each_family(family, tmp_path):
    name, said, layout = FAMILIES[family]
    if not (FOLDER / name).exists():
        pytest.skip(f"{name} is not beside this checkout")
    checkout = Checkout.make(tmp_path / "it", {}, stand_ins=False)
    generator = user(checkout, FOLDER / name, said)
    os.chdir(checkout.path)
    heard = run_whole(generator)
    assert f"layout {layout}," in heard["export_generator"]
    assert {"read_reals", "report"} <= heard.keys()
    assert "</html>" in Path("results/report/report.html").read_text(encoding="utf-8")
    files = Path("results/export_generator").glob("corrected.*")
    (exported,) = (file for file in files if not file.name.endswith(SUFFIX))
    assert exported.suffix == (".safetensors" if layout == "artifact-units" else ".pth")
    edits = read_edits(Path("results/fit_corrections/sequential/edits.json"))
    scales = [edit for edit in edits.values() if isinstance(edit, Scale)]
    assert any(factor != 1 for edit in scales for factor in edit.factors)
    whole, written = load_generator(Path(name).name), load_generator(exported)
    assert difference(whole, edits, written)[0] < 1e-4
