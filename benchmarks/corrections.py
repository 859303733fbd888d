"""Many corrections of the same latents: what a prefix shared up to the first edited layer saves.

``python -m benchmarks.corrections`` makes eight corrections of a batch, which differ in one layer's
edit, three ways: a whole run each (ours); the layers before the first edited one computed once; and
that with all corrections in one batch behind it. Widths are those of a public 64 px PGGAN.
"""

from __future__ import annotations

from functools import partial

import click
import torch
from torch import Tensor

from artifact_units.corrections.correction import Correction, corrected
from artifact_units.generators.pggan import PGGAN
from artifact_units.images.image_sets import byte_from_signed
from artifact_units.images.latents import latents_of
from artifact_units.layers.edits import Scale
from artifact_units.layers.generator import Generator
from artifact_units.layers.placing import sample
from benchmarks.common import compare, start
from benchmarks.sampling import WIDTHS, built

IMAGES, VARIANTS = 4, 8


def edits_of(layer: str) -> list[Scale]:
    return [Scale((2 * n, 2 * n + 1), (0.0, 0.5)) for n in range(VARIANTS)]


def whole_runs(generator: Generator, layer: str) -> list[Tensor]:
    found = []
    for edit in edits_of(layer):
        correction = Correction({layer: edit})
        found += corrected(generator, range(IMAGES), IMAGES, correction=correction)
    return found


@torch.inference_mode()
def shared(generator: Generator, layer: str, together: bool) -> list[Tensor]:
    """By the network's own modules, since a generator's forward cannot start in its middle."""
    network = generator.network
    names = [a.name for a in generator.layers]
    place = names.index(layer) + 1
    maps = latents_of(range(IMAGES), generator.latent_dim)[:, :, None, None]
    for name in names[:place]:
        maps = network.get_submodule(name)(maps)
    variants = [edit(maps) for edit in edits_of(layer)]
    found = []
    for part in [torch.cat(variants)] if together else variants:
        for name in names[place:]:
            part = network.get_submodule(name)(part)
        rgb = network.get_submodule("rgb")(network.get_submodule("rgb_norm")(part))
        found += byte_from_signed(rgb).split(IMAGES)
    return found


def same(expected: list[Tensor], found: list[Tensor]) -> str:
    apart = (torch.cat(expected).int() - torch.cat(found).int()).abs()
    if apart.max() > 1:
        raise click.ClickException(f"pixels differ by {int(apart.max())}")
    return f"{float((apart > 0).float().mean()):.2%} of the uint8 values differ, by one"


@click.command()
@click.option("--rounds", default=3, help="Runs of each way; the median counts.")
def main(rounds: int) -> None:
    """Print what corrections cost with and without a shared prefix, by first edited layer."""
    start(f"{VARIANTS} corrections of {IMAGES} generations of 64 px, per corrected image")
    generator = built(lambda: PGGAN(512, WIDTHS))
    next(sample(generator, range(IMAGES), IMAGES))  # kernels that are kept
    for layer in ("layer1", "layer4", "layer7"):
        click.echo(f"first edited: {layer}")
        ways = {
            "a whole run each (ours)": partial(whole_runs, generator, layer),
            "shared prefix": partial(shared, generator, layer, False),
            "shared prefix, one batch": partial(shared, generator, layer, True),
        }
        compare(ways, same, rounds=rounds, per=IMAGES * VARIANTS)
        click.echo("")


if __name__ == "__main__":
    main()
