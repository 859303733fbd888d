"""Exact histograms of units: how often each of the 65,536 half-precision values occurred.

Integers, so they merge over batches, shards and machines without a trace of the order; and any
quantile of the half-precision values can be read off exactly, whatever is asked later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from artifact_units.computing.fallback import tried
from artifact_units.files.tables import write_parts
from artifact_units.shapes import Featuremaps, PerUnit

PATTERNS = 2**16
MOST = 2**31 - 1  # values of one unit that a histogram can hold

# High bytes of bit patterns from the smallest values to the largest: negative numbers have the sign
# bit, and the larger their pattern the smaller their value. Infinities and NaNs lie at both ends.
_HIGH = np.r_[255:127:-1, :128]

# The value of each pattern; 0 of those at the ends, which are no numbers and never collected.
_VALUES = np.arange(PATTERNS, dtype=np.uint16).view(np.float16).astype(np.float64)
_VALUES[~np.isfinite(_VALUES)] = 0


class Histogram:
    """The histogram of every unit of one layer."""

    def __init__(self, counts: Tensor) -> None:
        self.counts = counts  # int32 [unit, 65,536], by bit pattern

    @classmethod
    def empty(cls, units: int, device: torch.device | str = "cpu") -> Histogram:
        """A histogram of nothing yet; a layer's counts take 256 KiB a unit, at most."""
        if torch.device(device).type != "cpu":
            return cls(torch.zeros(units, PATTERNS, dtype=torch.int32, device=device))
        # Of NumPy's zeros only the pages that are counted in take memory, and time.
        return cls(torch.from_numpy(np.zeros((units, PATTERNS), np.int32)))

    def add(self, maps: Featuremaps) -> None:
        """Count the values of float16 featuremaps."""
        add = _add_by_loops if maps.device.type == "cpu" else _on_gpu(maps.device)
        add(self.counts, maps)

    def merged(self, other: Histogram) -> Histogram:
        """The histogram of both sets of values."""
        return Histogram(self.counts + other.counts)

    def quantile(self, q: float) -> PerUnit:
        """The smallest value that at least a fraction ``q`` of a unit's values do not exceed.

        Always a value that occurred (numpy calls it ``inverted_cdf``), so at most ``1 - q`` of
        them lie above it. float32, for 0 <= q <= 1.
        """
        blocks = self.counts.cpu().numpy().reshape(-1, 256, 256)  # by high byte, by low byte
        coarse = blocks.sum(2, dtype=np.int64)[:, _HIGH]
        wanted = np.ceil(coarse.sum(1) * q).clip(1)
        place, unit = _reaching(coarse, wanted), np.arange(len(blocks))
        high, before = _HIGH[place], (coarse.cumsum(1) - coarse)[unit, place]
        fine, negative = blocks[unit, high], high > 127
        fine[negative] = fine[negative, ::-1]
        low = _reaching(fine, wanted - before)
        patterns = high * 256 + np.where(negative, 255 - low, low)
        return torch.from_numpy(patterns.astype(np.uint16)).view(torch.float16).float()

    def mean(self) -> np.ndarray:
        """The mean of every unit's values, float64 ``[unit]``."""
        return np.array([row @ _VALUES / row.sum() for row in self.counts.cpu().numpy()])

    def deviation(self) -> np.ndarray:
        """The standard deviation of every unit's values (of all, not of a sample), float64."""
        rows = zip(self.counts.cpu().numpy(), self.mean(), strict=True)
        squares = [row @ (_VALUES - mean) ** 2 / row.sum() for row, mean in rows]
        return np.sqrt(squares)


def write_histograms(path: Path, histograms: Mapping[str, Histogram]) -> None:
    """Write the table ``histograms``: only what occurred, a row a unit, a part a layer."""
    write_parts(path, "histograms", (_rows(name, h) for name, h in histograms.items()))


def histogram_of(table: pa.Table, layer: str) -> Histogram:
    """One layer's histogram from the table ``histograms``."""
    rows = table.filter(pc.field("layer") == layer)
    patterns = rows["patterns"].combine_chunks()
    unit = np.repeat(np.arange(len(rows)), patterns.value_lengths().to_numpy())
    dense = np.zeros((len(rows), PATTERNS), np.int32)
    dense[unit, patterns.flatten().to_numpy()] = (
        rows["counts"].combine_chunks().flatten().to_numpy()
    )
    return Histogram(torch.from_numpy(dense))


def _reaching(counts: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The first place of each row up to which its counts sum to ``wanted`` or more."""
    return (counts.cumsum(1) < wanted[:, None]).sum(1)


def _add_by_loops(counts: Tensor, maps: Featuremaps) -> Tensor:
    from artifact_units.computing import (
        kernels,  # here: it takes a while, and a GPU needs none of it
    )

    patterns = maps.contiguous().view(torch.uint16).flatten(2)
    kernels.add_patterns(patterns.numpy(), counts.numpy())
    return counts


@cache
def _on_gpu(device: torch.device) -> Callable[[Tensor, Featuremaps], Tensor]:
    maps = torch.linspace(-1, 1, 24).half().view(2, 3, 2, 2).to(device)
    return tried(_add_by_kernel, _add_by_tensors, lambda: (Histogram.empty(3, device).counts, maps))


def _add_by_kernel(counts: Tensor, maps: Featuremaps) -> Tensor:
    from artifact_units.computing import gpu_kernels  # here: Triton is there where a GPU is

    gpu_kernels.add_patterns(maps.contiguous().view(torch.int16).flatten(2), counts)
    return counts


def _add_by_tensors(counts: Tensor, maps: Featuremaps) -> Tensor:
    units = torch.arange(maps.shape[1], device=maps.device)[:, None, None]
    one = torch.ones(1, dtype=torch.int32, device=maps.device)
    for values in maps.contiguous():  # image by image: where it is sorted, that takes room
        patterns = values.view(torch.int16).long() & 0xFFFF
        places = (patterns + units * PATTERNS).flatten()
        counts.view(-1).scatter_add_(0, places, one.expand(len(places)))
    return counts


def _rows(layer: str, histogram: Histogram) -> dict[str, Any]:
    counts = histogram.counts.cpu().numpy()
    unit, pattern = counts.nonzero()
    ends = np.bincount(unit, minlength=len(counts)).cumsum()
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    found = counts[unit, pattern].astype(np.uint32)
    return {
        "layer": [layer] * len(counts),
        "unit": np.arange(len(counts)),
        "patterns": pa.ListArray.from_arrays(offsets, pattern.astype(np.uint16)),
        "counts": pa.ListArray.from_arrays(offsets, found),
    }
