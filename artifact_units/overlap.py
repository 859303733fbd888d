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

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from artifact_units.compute import batched, filled
from artifact_units.shapes import Counts, Featuremaps, Masks, PerUnit

CHUNK = 2**20  # values or pixels in memory at once
ON_GPU = 2**26

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
        union = self.on + self.mask[:, None] - self.intersection
        return self.intersection.double() / union.clamp(min=1)

    def chance_iou(self) -> Tensor:
        """The IoU of two independent areas as large as these, float64 ``[image, unit]``.

        With a and m the fractions of the grid: a·m of it is expected in both, a + m - a·m in
        either, and the quotient of the two is taken. Equal areas t give t / (2 - t).
        """
        a = self.on.double() / self.pixels
        m = (self.mask.double() / self.pixels)[:, None]
        either = a + m - a * m
        return torch.where(either > 0, a * m / either.clamp(min=1e-300), 0)


def overlap_of(maps: Featuremaps, thresholds: PerUnit, masks: Masks) -> Overlap:
    """Count, for every image and unit, where the unit is on and how much of that is mask.

    ``maps`` are float16, ``thresholds`` and ``masks`` on the same device. Images are taken a few at
    a time, so memory does not grow with them; fewer where a GPU has no room for so many. On a CPU
    by compiled loops, else by tensors.
    """
    images, units, rows, cols = maps.shape
    pixels = masks.shape[1:].numel()
    count, step = _by_tensors, ON_GPU // (units * pixels)
    if masks.device.type == "cpu":
        count, step = _by_loops, CHUNK // max(units * rows * cols, pixels)
    areas = torch.zeros(images, dtype=torch.int64)

    def counted(mine: range) -> TwoCounts:
        rows = slice(mine.start, mine.stop)
        here = masks[rows]
        areas[rows] = here.flatten(1).sum(1).cpu()
        return count(maps[rows].float(), thresholds, here).cpu()

    room = torch.zeros(images, units, 2, dtype=torch.int64)
    both, on = filled(room, batched(range(images), max(1, step), counted)).unbind(2)
    return Overlap(both, on, areas, pixels)


def places(size: int, large: int) -> tuple[np.ndarray, np.ndarray]:
    """Where ``large`` pixels lie among ``size`` values: int64 index of the value before, float32 w.

    The value after it is the next one, or the last again.
    """
    place = ((2 * np.arange(large) + 1) * size - large).clip(0)
    return place // (2 * large), (place % (2 * large) / (2 * large)).astype(np.float32)


def _by_tensors(maps: Featuremaps, thresholds: PerUnit, masks: Masks) -> TwoCounts:
    large = _upsampled(_upsampled(maps, 2, masks.shape[1]), 3, masks.shape[2])
    on = large > thresholds[:, None, None]
    return torch.stack([(on & masks[:, None]).sum((2, 3)), on.sum((2, 3))], 2)


def _upsampled(maps: Tensor, axis: int, large: int) -> Tensor:
    size = maps.shape[axis]
    before, weight = (torch.from_numpy(a).to(maps.device) for a in places(size, large))
    a, b = (maps.index_select(axis, i) for i in (before, (before + 1).clamp(max=size - 1)))
    return a + weight.view(-1, *[1] * (3 - axis)) * (b - a)  # eager: rounded three times


def _by_loops(maps: Featuremaps, thresholds: PerUnit, masks: Masks) -> TwoCounts:
    from artifact_units import kernels  # here: it takes a while, and a GPU needs none of it

    rows, cols = (_edges(*sizes) for sizes in zip(maps.shape[2:], masks.shape[1:], strict=True))
    counts = np.zeros((*maps.shape[:2], 2), np.int64)
    arrays = (a.contiguous().numpy() for a in (maps, thresholds, masks))
    kernels.count_overlap(*arrays, rows, cols, counts)
    return torch.from_numpy(counts)


def _edges(size: int, large: int) -> tuple[np.ndarray, np.ndarray]:
    before, weight = places(size, large)
    return np.searchsorted(before, np.arange(size + 1)), weight
