"""Every size is read from the tensors: networks of sizes that no public file has."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
import torch
from parity import made

from artifact_units.corrections.export import export
from artifact_units.generators import load_generator
from artifact_units.layers.edits import Scale
from artifact_units.layers.hooks import recorded


class Size(NamedTuple):
    """A state dict, options, and what it must be loaded as: px, latent, classes, widths."""

    state: made.State
    options: dict[str, Any]
    layout: str
    sizes: tuple[int, int, int]
    widths: list[int]


def size(state: made.State, layout: str, sizes: tuple[int, int, int], widths: list[int], **options):
    return Size(state, options, layout, sizes, widths)


UP, DEEP = [5, 9, 4, 6, 3, 8], [4] * 12
NOISY, WIDE = [5, 4, 7, 3, 6, 2], [16, 16, 8, 8]
SIZES = {
    "two layers": size(made.gandissect(7, [5, 6]), "pggan-gandissect", (4, 7, 0), [5, 6]),
    "growing": size(made.gandissect(7, UP), "pggan-gandissect", (16, 7, 0), UP),
    "twelve layers": size(made.gandissect(3, DEEP), "pggan-gandissect", (128, 3, 0), DEEP),
    "old names": size(made.gandissect(7, UP, old=True), "pggan-gandissect-old", (16, 7, 0), UP),
    "genforce": size(made.genforce(7, UP), "pggan-genforce", (16, 7, 0), UP),
    "genforce, labels and fused": size(
        made.genforce(7, UP, 3, fused=True), "pggan-genforce", (16, 7, 3), UP,
        fused_scale=True, label_size=3,
    ),
    "zoo": size(made.gan_zoo(7, UP), "pggan-gan-zoo", (16, 7, 0), UP),
    "old zoo, 4 px": size(made.gan_zoo(7, [5, 6], ""), "pggan-gan-zoo", (4, 7, 0), [5, 6]),
    "nvidia, 4 px": size(made.nvidia(6, 9, [5, 4]), "stylegan2-nvidia", (4, 6, 0), [4]),
    "nvidia, classes": size(
        made.nvidia(6, 9, NOISY, 3, 8), "stylegan2-nvidia", (16, 6, 3), NOISY[1:], conv_clamp=256
    ),
    "shared, in chunks": size(
        made.biggan(20, WIDE, 7, 3, 5, [1]), "biggan-ajbrock", (32, 20, 7), WIDE[1:]
    ),
    "shared, whole latent": size(
        made.biggan(13, WIDE, 7, 3, attention=[0, 2]), "biggan-ajbrock", (32, 13, 7), WIDE[1:]
    ),
    "embedding, 3x3 bottom": size(
        made.biggan(13, [16, 8], 4, bottom=3, stored="bn.running"),
        "biggan-ajbrock", (6, 13, 4), [8],
    ),
    "without spectral norm": size(
        made.biggan(13, WIDE, 7, 3, spectral=False), "biggan-ajbrock", (32, 13, 7), WIDE[1:]
    ),
    "unetgan": size(made.biggan(12, WIDE, attention=[1]), "unetgan", (32, 12, 0), WIDE[1:]),
}  # fmt: skip


@pytest.mark.parametrize("given", SIZES.values(), ids=SIZES)
def test_sizes_come_from_the_tensors_and_an_ablation_is_exported_exactly(given: Size, tmp_path):
    torch.save(given.state, tmp_path / "G_ema.pth")
    generator = load_generator(tmp_path / "G_ema.pth", **given.options)
    assert generator.layout == given.layout
    assert (generator.image_px, generator.latent_dim, generator.classes) == given.sizes
    assert [layer.units for layer in generator.layers] == given.widths
    latents = torch.randn(2, generator.latent_dim, generator=torch.Generator().manual_seed(0))
    classes = torch.tensor([0, generator.classes - 1]) if generator.classes else None
    names = [layer.name for layer in generator.layers]
    with torch.inference_mode(), recorded(generator, names) as maps:
        image = generator(latents, classes)
    assert image.shape == (2, 3, generator.image_px, generator.image_px)
    assert image.isfinite().all()
    for layer in generator.layers:
        assert maps[layer.name].shape == (2, layer.units, layer.height, layer.width)
    edits = {names[-1]: Scale((0, 1), (0.0, 0.5))}
    done = export(tmp_path / "G_ema.pth", edits, tmp_path / "out.pth", **given.options)
    assert (done.layout, done.largest) == (given.layout, 0)
