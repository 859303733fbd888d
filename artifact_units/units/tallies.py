"""What all collected generations say of a layer's units: a few images in memory at a time, exact.

Values are float16, so that a histogram of bit patterns holds all of them (``histograms``).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from artifact_units.computing.stored import in_parts
from artifact_units.errors import UserError
from artifact_units.shapes import Featuremaps, PerUnit
from artifact_units.units.histograms import MOST, Histogram

GROUP = 32  # units whose histograms are in memory at once


def by_units(maps: Featuremaps) -> Iterator[Featuremaps]:
    """Some of the units at a time, in order."""
    for units in torch.arange(maps.shape[1]).split(GROUP):
        yield maps[:, units]


def check_countable(maps: Featuremaps) -> None:
    """A UserError where a unit has more values than a histogram holds."""
    grid = maps.shape[2:].numel()
    if len(maps) * grid > MOST:
        raise UserError(
            f"{len(maps)} generations give {len(maps) * grid} values of a unit, a histogram holds "
            f"{MOST}; lower collect_featuremaps.images to {MOST // grid // 2}"
        )


def tallied(maps: Featuremaps) -> Histogram:
    """The histogram of every unit's values, over images and positions."""
    check_countable(maps)
    found = Histogram.empty(maps.shape[1], maps.device)
    for part in in_parts(maps):
        found.add(part)
    return found


def usual_range(usual: Histogram, tail: float) -> tuple[PerUnit, PerUnit]:
    """The quantiles ``tail`` and 1 - ``tail`` of every unit: values that occurred; on the CPU."""
    return usual.quantile(tail), usual.quantile(1 - tail)


def often_active(maps: Featuremaps) -> Float[Tensor, "unit row col"]:
    """The share of images in which each position of a unit is above 0."""
    counts = torch.zeros(maps.shape[1:], dtype=torch.int64, device=maps.device)
    for part in in_parts(maps):
        counts += (part > 0).sum(0)
    return counts.float() / len(maps)
