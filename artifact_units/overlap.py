"""Where a unit is on and where the mask is: exact counts of pixels.

The definition that every other way of counting is held against: the half-precision featuremap is
taken to float32 and upsampled to the mask's grid by bilinear interpolation with half-pixel centres
(``align_corners=False``); the unit is on where the result is strictly above its threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from artifact_units.shapes import Counts, Featuremaps, Masks, PerUnit

CHUNK = 2**22  # upsampled pixels in memory at once


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

    Images are taken a few at a time, so memory does not grow with them.
    """
    images, units = maps.shape[:2]
    height, width = masks.shape[1:]
    step = max(1, CHUNK // (units * height * width))
    flat = masks.flatten(1)
    columns = torch.stack([flat, torch.ones_like(flat)], 2)
    counts = torch.zeros(images, units, 2, dtype=torch.int64)
    for start in range(0, images, step):
        part = slice(start, start + step)
        large = F.interpolate(
            maps[part].float(), size=(height, width), mode="bilinear", align_corners=False
        )
        on = (large > thresholds[:, None, None]).flatten(2)
        # Sums of 0 and 1 up to 2^24 are exact in float32, in whatever order they are added.
        counts[part] = (on.float() @ columns[part].float()).long().cpu()
    mask = flat.sum(1).cpu()
    return Overlap(counts[:, :, 0], counts[:, :, 1], mask, height * width)
