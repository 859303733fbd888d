"""Thresholds of units: the .99 quantile of 262,144 half-precision values of each of 256 units.

``python -m benchmarks.thresholds`` adds them batch by batch, as a survey does, to our exact
histogram and to a sketch of the kind that GAN Dissection keeps: KLL (Karnin, Lang, Liberty, FOCS
2016), whose compactors hold a share of 2/3 of the one above and pass every other value of a sorted
buffer on. ``numpy.partition`` on all values, which need not be kept otherwise, is exact as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import click
import numpy as np
import torch
from torch import Tensor

from artifact_units.units.histograms import Histogram
from benchmarks.common import compare, start

UNITS, BATCHES, BATCH, SIZE = 256, 2, 32, 64
Q = 0.99


class Sketch:
    """KLL for many units at once: all see as many values, so that buffers fill together."""

    def __init__(self, units: int, width: int = 4096) -> None:
        self.width, self.units = width, units
        self.buffers = [torch.empty(units, 0)]  # a value in the n-th stands for 2^n
        self.stream = np.random.RandomState(0)

    def add(self, values: Tensor) -> None:
        """Take float32 ``[unit, value]``, as much at once as the lowest compactor has room for."""
        while values.shape[1]:
            room = max(1, self._room(0) - self.buffers[0].shape[1])
            self.buffers[0] = torch.cat([self.buffers[0], values[:, :room]], 1)
            values = values[:, room:]
            self._compact()

    def quantile(self, q: float) -> Tensor:
        """About the value that a fraction ``q`` of a unit's values do not exceed."""
        values, order = torch.cat(self.buffers, 1).sort(1)
        weights = torch.cat([torch.full((b.shape[1],), 2.0**n) for n, b in enumerate(self.buffers)])
        below = weights[order].cumsum(1)
        place = torch.searchsorted(below, below[:, -1:] * q).clamp(max=values.shape[1] - 1)
        return values.gather(1, place)[:, 0]

    def _room(self, level: int) -> int:
        return max(2, int(self.width * (2 / 3) ** (len(self.buffers) - 1 - level)))

    def _compact(self) -> None:
        level = 0
        while level < len(self.buffers) and self.buffers[level].shape[1] >= self._room(level):
            if level + 1 == len(self.buffers):
                self.buffers.append(torch.empty(self.units, 0))
            half = self.buffers[level].sort(1).values[:, self.stream.randint(2) :: 2]
            self.buffers[level + 1] = torch.cat([self.buffers[level + 1], half], 1)
            self.buffers[level] = torch.empty(self.units, 0)
            level += 1


def by_histogram(batches: Sequence[Tensor]) -> Tensor:
    histogram = Histogram.empty(UNITS)
    for maps in batches:
        histogram.add(maps)
    return histogram.quantile(Q)


def by_shards(batches: Sequence[Tensor]) -> Tensor:
    """As two machines would, each with its half."""
    halves = [Histogram.empty(UNITS) for _ in range(2)]
    for number, maps in enumerate(batches):
        halves[number % 2].add(maps)
    return halves[0].merged(halves[1]).quantile(Q)


def by_sketch(batches: Sequence[Tensor]) -> Tensor:
    sketch = Sketch(UNITS)
    for maps in batches:
        for one in maps:
            sketch.add(one.flatten(1).float())
    return sketch.quantile(Q)


def by_partition(batches: Sequence[Tensor]) -> Tensor:
    values = torch.cat(list(batches)).transpose(0, 1).flatten(1).float().numpy()
    place = int(np.ceil(Q * values.shape[1])) - 1
    return torch.from_numpy(np.partition(values, place, axis=1)[:, place])


@click.command()
@click.option("--rounds", default=3, help="Runs of each way; the median counts.")
def main(rounds: int) -> None:
    """Print what thresholds cost by an exact histogram, a sketch, and a partition."""
    stream = torch.Generator().manual_seed(0)
    shape = (BATCH, UNITS, SIZE, SIZE)
    batches = [torch.randn(shape, generator=stream).half() for _ in range(BATCHES)]
    values = torch.cat([b.transpose(0, 1).flatten(1) for b in batches], 1).float()
    start(f"The {Q} quantile of {values.shape[1]} values of each of {UNITS} units")

    def relation(expected: Tensor, found: Tensor) -> str:
        above = (values > found[:, None]).double().mean(1)
        if torch.equal(expected, found):
            return f"equal: {above.max():.3%} of a unit's values lie above, at most"
        return f"{above.min():.3%} .. {above.max():.3%} of a unit's values lie above"

    if not torch.equal(by_histogram(batches), by_partition(batches)):
        raise click.ClickException("the histogram's quantiles are not exact")
    ways = {
        "exact histogram (ours)": by_histogram,
        "two of them, merged": by_shards,
        "KLL sketch, 4,096 wide": by_sketch,
        "numpy.partition of all": by_partition,
    }
    compare(
        {name: (lambda way=way: way(batches)) for name, way in ways.items()},
        relation,
        rounds=rounds,
    )


if __name__ == "__main__":
    main()
