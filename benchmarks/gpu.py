"""Sampling and scoring on a GPU beside their floors: a PGGAN of 256 px, all 4,032 units.

``python -m benchmarks.gpu`` times what the stages do (``compute.sample``, latents and copies
included; counts of all layers for featuremaps and masks that lie on the GPU). The floor of sampling
is its floating-point operations at the rate at which the same GPU multiplies large matrices, that
of scoring the forward pass that makes the featuremaps. Wall time, medians. First, the counts must
be those of the CPU. ``--device cpu --images 2 --batch 2`` tries it without a GPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import click
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from artifact_units.computing.devices import prepare
from artifact_units.generators.pggan import PGGAN
from artifact_units.layers.generator import Generator
from artifact_units.layers.placing import placed, sample
from artifact_units.shapes import Featuremaps
from artifact_units.units.collection import featuremaps_by_batch
from artifact_units.units.histograms import Histogram
from artifact_units.units.overlap import overlap_of
from benchmarks.sampling import built

WIDTHS = (512,) * 6 + (256,) * 2 + (128,) * 2 + (64,) * 2 + (32,) * 2
SIDE = 8192  # of the matrices on a GPU


def seconds(work: Callable[[], object], device: torch.device, rounds: int) -> float:
    """Wall seconds of one run: the median of ``rounds``, after one that is not counted."""
    spent = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        work()
        torch.get_device_module(device).synchronize()
        spent.append(time.perf_counter() - start)
    return median(spent[1:])


def rate(device: torch.device, kind: torch.dtype, rounds: int) -> float:
    """Floating-point operations a second of a product of two square matrices."""
    side = SIDE if device.type == "cuda" else 1024
    a = torch.randn(side, side, device=device).to(kind)
    return 2 * side**3 / seconds(lambda: a @ a, device, rounds)


def operations(generator: Generator, device: torch.device) -> int:
    """Floating-point operations of one image."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        generator(torch.randn(1, generator.latent_dim, device=device))
    return counter.get_total_flops()


def sampled(generator: Generator, device: torch.device, images: int, batch: int, n: int) -> None:
    """Print images a second of ``compute.sample`` and the share of the floor's."""
    flop = operations(generator, device)
    click.echo(f"sampling {images} images, batches of {batch}, {flop / 1e9:.1f} GFLOP each")
    for name, lasting in (("float32", False), ("bfloat16", True)):
        ready = placed(generator, device, name, lasting)
        floor = rate(device, ready.precision, n) / flop
        spent = seconds(lambda ready=ready: list(sample(ready, range(images), batch)), device, n)
        made = images / spent
        click.echo(f"  {name}: {made:.1f} images/s, {made / floor:.0%} of the floor's {floor:.1f}")


def scored(generator: Generator, device: torch.device, images: int, batch: int, n: int) -> None:
    """Print the time an image's counts take, all layers, beside its forward pass."""
    ids = range(min(images, batch))
    (maps,) = featuremaps_by_batch(generator, generator.layers, ids, len(ids))
    masks = torch.rand(len(ids), 256, 256, generator=torch.Generator().manual_seed(0)) > 0.8
    given = [
        (m, m[0].flatten(1).float().quantile(0.95, dim=1), masks.to(device)) for m in maps.values()
    ]
    for layer in given:
        here, there = overlap_of(*layer), overlap_of(*(t.cpu() for t in layer))
        same = torch.equal(here.intersection, there.intersection) and torch.equal(here.on, there.on)
        ours, theirs = (histogram_on(where, layer[0]) for where in (device, torch.device("cpu")))
        if not (same and torch.equal(ours, theirs)):
            raise click.ClickException("counts are not those of the CPU")

    def counted() -> None:
        for layer in given:
            overlap_of(*layer)

    def forward() -> None:
        list(featuremaps_by_batch(generator, generator.layers, ids, len(ids)))

    counts, passes = (seconds(work, device, n) / len(ids) for work in (counted, forward))
    click.echo(
        f"scoring {len(ids)} images: {counts * 1e3:.2f} ms each, their featuremaps "
        f"{passes * 1e3:.2f} ms; 2,000 images {2000 * (counts + passes):.2f} s"
    )


def histogram_on(device: torch.device, maps: Featuremaps) -> Tensor:
    found = Histogram.empty(maps.shape[1], device)
    found.add(maps.to(device))
    return found.counts.cpu()


@click.command()
@click.option("--device", default="cuda", help="cpu only to try the benchmark itself.")
@click.option("--images", default=4096, help="Sampled in one run.")
@click.option("--batch", default=64, help="Images at once.")
@click.option("--rounds", default=3, help="Runs; the median counts.")
def main(device: str, images: int, batch: int, rounds: int) -> None:
    """Print images a second and the time of scoring on a GPU, each beside its floor."""
    if device == "cuda" and not torch.cuda.is_available():
        click.echo("Sampling and scoring on a GPU: there is none here, so nothing was measured")
        return
    place = prepare(device, 1)
    named = torch.cuda.get_device_name() if device == "cuda" else "the CPU, to try it"
    click.echo(f"On {named}, torch {torch.__version__}")
    generator = placed(built(lambda: PGGAN(512, WIDTHS)), place, "float32", False)
    scored(generator, place, images, batch, rounds)
    sampled(generator, place, images, batch, rounds)


if __name__ == "__main__":
    main()
