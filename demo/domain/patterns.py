"""Rare patterns in what a layer is given: what planted defects fire at."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from artifact_units.shapes import Featuremaps

FILTERS = 120  # patterns tried
RATE = 0.1  # of the latents at which one pattern is there


@dataclass(frozen=True)
class Patterns:
    """3x3 filters ``[pattern, entry, 3, 3]``; a pattern is where the answer is above a threshold.

    ``excess``: how far above on average, at the highest position of a latent that has it.
    ``found``: ``[latent, pattern]``, whether it is anywhere in that latent's entry.
    """

    filters: Tensor
    thresholds: Tensor
    excess: Tensor
    found: Tensor


def rare_patterns(
    entry: Featuremaps, heard: list[int], count: int, stream: torch.Generator
) -> Patterns:
    """The ``count`` with the heaviest tails, of FILTERS random ones over units ``heard``."""
    filters = _filters(entry, heard, stream)
    answers = F.conv2d(entry, filters, padding=1)
    peaks = answers.amax((2, 3))
    thresholds = peaks.quantile(1 - RATE, 0)
    over = (answers - thresholds[:, None, None]).clamp_min(0)
    found = over.amax((2, 3)) > 0
    excess = over.amax((2, 3)).sum(0) / found.sum(0)
    tail = excess / peaks.std(0)
    best = tail.argsort(descending=True)[:count]
    return Patterns(filters[best], thresholds[best], excess[best], found[:, best])


def _filters(entry: Featuremaps, heard: list[int], stream: torch.Generator) -> Tensor:
    """Random 3x3 filters over one to three units each: ``[FILTERS, unit, 3, 3]``."""
    filters = torch.zeros(FILTERS, entry.shape[1], 3, 3)
    units = torch.tensor(heard)
    for pattern in filters:
        count = int(torch.randint(1, 4, (), generator=stream))
        chosen = units[torch.randperm(len(units), generator=stream)[:count]]
        pattern[chosen] = torch.randn(len(chosen), 3, 3, generator=stream)
    return filters
