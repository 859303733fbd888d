"""Counting where units are on and where the mask is: all 4,032 units of a PGGAN of 256 px.

``python -m benchmarks.overlap`` counts a few images by our loops, by a loop over units as short as
we could write it (upsample one unit, compare, count), by that loop as the public reimplementation
of the paper has it (without what changes its result or waits for a GPU) and by batched matrix
products of torch. Featuremaps are random, masks are cut from random heatmaps, thresholds leave the
top 5 % of a unit's values. First, every layer width is counted by tensors as the definition says
(``artifact_units.units.overlap``), and all must be equal. The yardsticks upsample with
``interpolate`` of torch, whose rounding is another: how many of their counts differ is printed.
"""

from __future__ import annotations

from functools import partial

import click
import torch
from torch import Tensor
from torch.nn import functional as F

from artifact_units.classifier.heatmaps import masks_from
from artifact_units.units import overlap
from artifact_units.units.histograms import Histogram
from benchmarks.common import compare, start

# GAN Dissection's 256 px table: units and grid of two layers each.
LAYERS = ((512, 4), (512, 8), (512, 16), (256, 32), (128, 64), (64, 128), (32, 256))
PX = 256


def inputs(images: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Featuremaps, thresholds and masks of all layers."""
    stream = torch.Generator().manual_seed(0)
    heatmaps = torch.rand(images, 8, 8, generator=stream)
    masks = masks_from(heatmaps / heatmaps.amax((1, 2), keepdim=True), 0.6, PX)
    layers = []
    for units, size in LAYERS * 2:
        maps = torch.randn(max(images, 16), units, size, size, generator=stream).half()
        histogram = Histogram.empty(units)
        histogram.add(maps)
        layers.append((maps[:images].clone(), histogram.quantile(0.95), masks))
    return layers


def ours(maps: Tensor, thresholds: Tensor, masks: Tensor) -> Tensor:
    found = overlap.overlap_of(maps, thresholds, masks)
    return torch.stack([found.intersection, found.on], 2)


def by_definition(maps: Tensor, thresholds: Tensor, masks: Tensor) -> Tensor:
    return overlap._by_tensors(maps[:1].float(), thresholds, masks[:1])


def by_unit(maps: Tensor, thresholds: Tensor, masks: Tensor) -> Tensor:
    counts = torch.zeros(*maps.shape[:2], 2, dtype=torch.int64)
    for image, mask in enumerate(masks):
        for unit, bound in enumerate(thresholds):
            one = maps[image, unit].float()[None, None]
            on = F.interpolate(one, size=mask.shape, mode="bilinear")[0, 0] > bound
            counts[image, unit] = torch.stack([(on & mask).sum(), on.sum()])
    return counts


def as_published(maps: Tensor, thresholds: Tensor, masks: Tensor) -> Tensor:
    """Unit by unit, integers by ``where``, the mask anew for every unit, union and lists."""
    counts = torch.zeros(*maps.shape[:2], 2, dtype=torch.int64)
    heatmaps = masks.float()
    for unit, bound in enumerate(thresholds):
        one = maps[:, unit : unit + 1].float()
        large = F.interpolate(one, size=masks.shape[1:], mode="bilinear")[:, 0]
        on = torch.where(large > bound, 1, 0).int()
        mask = torch.where(heatmaps > 0.5, 1, 0).int()
        both = (on & mask).sum((1, 2)).tolist()
        either = (on | mask).sum((1, 2)).tolist()
        counts[:, unit, 0] = torch.tensor(both)
        counts[:, unit, 1] = torch.tensor(either) + torch.tensor(both) - mask.sum((1, 2))
    return counts


def by_matrices(maps: Tensor, thresholds: Tensor, masks: Tensor) -> Tensor:
    counts = []
    for one, mask in zip(maps, masks, strict=True):
        large = F.interpolate(one[None].float(), size=mask.shape, mode="bilinear")[0]
        on = (large > thresholds[:, None, None]).flatten(1).float()
        columns = torch.stack([mask.flatten(), torch.ones(mask.numel())], 1)
        counts.append((on @ columns).long())
    return torch.stack(counts)


def difference(expected: list[Tensor], found: list[Tensor]) -> str:
    apart = [(a - b).abs() for a, b in zip(expected, found, strict=True)]
    counts = sum(int((a > 0).sum()) for a in apart)
    pixels = sum(int(a[:, :, 1].sum()) for a in apart)
    if counts > 1e-2 * sum(a.numel() for a in apart):
        raise click.ClickException(f"{counts} counts differ")
    return "equal" if not counts else f"{counts} counts differ, by {pixels} pixels"


@click.command()
@click.option("--images", default=1, help="Counted in one run; times are for one of them.")
@click.option("--rounds", default=3, help="Runs of each way; the median counts.")
def main(images: int, rounds: int) -> None:
    """Print what counting one image costs, each way."""
    start(f"Counts of {2 * sum(u for u, _ in LAYERS)} units at masks of {PX} px, per image")
    layers = inputs(images)
    for layer in layers[: len(LAYERS)]:
        if not torch.equal(ours(*layer)[:1], by_definition(*layer)):
            raise click.ClickException("counts are not those of the definition")

    def over(count) -> list[Tensor]:
        return [count(*layer) for layer in layers]

    ways = {
        "compiled loops (ours)": ours,
        "a loop over units": by_unit,
        "that loop, as published": as_published,
        "matrix products": by_matrices,
    }
    compare(
        {name: partial(over, way) for name, way in ways.items()},
        difference,
        rounds=rounds,
        per=images,
    )


if __name__ == "__main__":
    main()
