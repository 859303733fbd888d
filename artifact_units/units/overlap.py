"""Where a unit is on and where the mask is: exact counts of pixels.

The definition, which every way of counting follows to the last pixel: the half-precision
featuremap is taken to float32 and upsampled bilinearly to the mask's grid with half-pixel centres,
down its columns first, then along its rows. Pixel i of n lies at max(0, ((2i + 1) size - n) / 2n),
between values a and b; w is the fraction of that place, computed in whole numbers and rounded once.
The pixel is a + w (b - a), each of the three operations rounded to float32. The unit is on where
it is strictly above its threshold.

Since w is at most 1 - 1/2n, the roundings cannot carry w (b - a) beyond b - a: no pixel leaves the
range of the values around it, so ``kernels`` may skip those between values that are all on one
side. (As (1 - w) a + w b, which torch's ``interpolate`` sums in its own order, a pixel may.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from artifact_units.computing.batches import batched, filled
from artifact_units.computing.fallback import tried
from artifact_units.computing.stored import whole
from artifact_units.shapes import Counts, Featuremaps, Masks, PerUnit

CHUNK = 2**20  # values or pixels in memory at once
ON_GPU = 2**26

AT_ONCE = 200  # images of a table

TwoCounts = Int64[Tensor, "batch unit 2"]  # on and mask, on


@dataclass(frozen=True)
class Overlap:
    """Pixels by image and unit, and by image."""

    intersection: Counts  # unit on and mask True
    on: Counts  # unit on
    mask: Tensor  # int64 [image]: mask True
    pixels: int  # of the grid

    def iou(self) -> Tensor:
        """Intersection over union, float64 ``[image, unit]``; an empty union is 0, not 1."""

        def of(both: Tensor, on: Tensor, mask: Tensor) -> Tensor:
            return both.double() / (on + mask - both).clamp(min=1)

        return self._filled(of)

    def chance_iou(self) -> Tensor:
        """The IoU of two independent areas as large as these, float64 ``[image, unit]``.

        With a and m the fractions of the grid: a·m of it is expected in both, a + m - a·m in
        either, and the quotient of the two is taken. Equal areas t give t / (2 - t).
        """

        def of(_: Tensor, on: Tensor, mask: Tensor) -> Tensor:
            a, m = on.double() / self.pixels, mask.double() / self.pixels
            either = a + m - a * m
            return torch.where(either > 0, a * m / either.clamp(min=1e-300), 0)

        return self._filled(of)

    def _filled(self, of: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Tensor:
        """A few images at a time, so that one table is held, and not one a step of the formula."""
        parts = (a.split(AT_ONCE) for a in (self.intersection, self.on, self.mask[:, None]))
        room = torch.empty(self.on.shape, dtype=torch.float64)
        return filled(room, (of(*part) for part in zip(*parts, strict=True)))


def overlap_of(maps: Featuremaps, thresholds: PerUnit, masks: Masks) -> Overlap:
    """Count, for every image and unit, where the unit is on and how much of that is mask.

    ``maps`` are float16, ``thresholds`` and ``masks`` on the same device. Images are taken a few at
    a time, so memory does not grow with them; fewer where a GPU has no room for so many. On a CPU
    by compiled loops, on a GPU by a kernel of Triton's, which nothing waits for before the end.
    """
    images, units, rows, cols = maps.shape
    pixels, device = masks.shape[1:].numel(), masks.device
    at_once, count = (CHUNK, _by_loops) if device.type == "cpu" else (ON_GPU, _on_gpu(device))
    areas = torch.zeros(images, dtype=torch.int64, device=device)

    def counted(mine: range) -> TwoCounts:
        rows = slice(mine.start, mine.stop)
        here = whole(masks[rows])
        areas[rows] = here.flatten(1).sum(1)
        return count(whole(maps[rows]), thresholds, here)

    room = torch.zeros(images, units, 2, dtype=torch.int64, device=device)
    step = max(1, at_once // max(units * rows * cols, pixels))
    parts = batched(range(images), step, counted, "score_units.iou_px lower")
    both, on = filled(room, parts).cpu().unbind(2)
    return Overlap(both, on, areas.cpu(), pixels)


def places(size: int, large: int) -> tuple[np.ndarray, np.ndarray]:
    """Where ``large`` pixels lie among ``size`` values: int64 index of the value before, float32 w.

    The value after it is the next one, or the last again.
    """
    place = ((2 * np.arange(large) + 1) * size - large).clip(0)
    return place // (2 * large), (place % (2 * large) / (2 * large)).astype(np.float32)


@cache
def _on_gpu(device: torch.device) -> Callable[[Featuremaps, PerUnit, Masks], TwoCounts]:
    stream = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 3, 5, 4, generator=stream).half()
    masks = torch.rand(2, 9, 10, generator=stream) > 0.5
    example = [a.to(device) for a in (maps, torch.zeros(3), masks)]
    return tried(_by_kernel, _by_tensors, lambda: example)


def _by_kernel(maps: Featuremaps, thresholds: PerUnit, masks: Masks) -> TwoCounts:
    from artifact_units.computing import gpu_kernels  # here: Triton is there where a GPU is

    (rows, cols), (height, width) = maps.shape[2:], masks.shape[1:]
    at = _on(maps.device, _edges, rows, height), _on(maps.device, places, cols, width)
    return gpu_kernels.count_overlap(maps, thresholds, masks, *at).long()


def _by_tensors(maps: Featuremaps, thresholds: PerUnit, masks: Masks) -> TwoCounts:
    """The definition; image by image, since what is upsampled is large."""
    counts = []
    for values, mask in zip(maps.float(), masks, strict=True):
        large = _upsampled(_upsampled(values, 1, masks.shape[1]), 2, masks.shape[2])
        on = large > thresholds[:, None, None]
        counts.append(torch.stack([(on & mask).sum((1, 2)), on.sum((1, 2))], 1))
    return torch.stack(counts)


def _upsampled(maps: Tensor, axis: int, large: int) -> Tensor:
    size = maps.shape[axis]
    before, weight = _on(maps.device, places, size, large)
    a, b = (maps.index_select(axis, i) for i in (before, (before + 1).clamp(max=size - 1)))
    weight = weight.view(-1, *[1] * (maps.ndim - 1 - axis))
    return a + weight * (b - a)  # eager: rounded three times


def _by_loops(maps: Featuremaps, thresholds: PerUnit, masks: Masks) -> TwoCounts:
    from artifact_units.computing import (
        kernels,  # here: it takes a while, and a GPU needs none of it
    )

    rows, cols = (_edges(*sizes) for sizes in zip(maps.shape[2:], masks.shape[1:], strict=True))
    counts = np.zeros((*maps.shape[:2], 2), np.int64)
    grids, bounds, pixels = (a.contiguous().numpy() for a in (maps.float(), thresholds, masks))
    kernels.count_overlap(grids, bounds, pixels, rows, cols, counts)
    return torch.from_numpy(counts)


def _edges(size: int, large: int) -> tuple[np.ndarray, np.ndarray]:
    before, weight = places(size, large)
    return np.searchsorted(before, np.arange(size + 1)), weight


@cache
def _on(
    device: torch.device, of: Callable[[int, int], tuple[np.ndarray, np.ndarray]], *sizes: int
) -> tuple[Tensor, Tensor]:
    """What ``of`` says of two sizes, on the device; once, since a GPU is waited for."""
    first, second = of(*sizes)
    return torch.from_numpy(first).to(device), torch.from_numpy(second).to(device)
