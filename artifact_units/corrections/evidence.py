"""What a corrector is handed, and what it may ask of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from artifact_units.errors import UserError
from artifact_units.shapes import Featuremaps, Latents
from artifact_units.units.evidence import RankedLayer

Normalisation = Literal["none", "max", "minmax"]  # of a layer's scores


@dataclass(frozen=True)
class CorrectionEvidence:
    """What a corrector may look at: one ranking (and repeat), and what is known without a truth.

    ``labels`` are all that may be looked at, ``collected`` those generations whose featuremaps
    there are: as many of each label. ``featuremaps`` reads a layer when it is asked for.
    """

    ranked: Mapping[str, RankedLayer]
    repeat: int
    labels: Mapping[int, str]  # id -> artifact, normal
    probability: Mapping[int, float]  # id -> the classifier's artifact probability; labelled ones
    collected: np.ndarray  # int64 [image]
    featuremaps: Callable[[str], Featuremaps]  # layer -> float16 [image, unit, row, col]
    latents: Callable[[Sequence[int]], Latents]  # of ids

    def normals(self, layer: str) -> Featuremaps:
        """The featuremaps of the generations labelled normal, float16; on the CPU."""
        normal = [self.labels[int(i)] == "normal" for i in self.collected]
        return self.featuremaps(layer)[torch.tensor(normal)]


def layer_names(ranked: Mapping[str, RankedLayer], start: int, stop: int) -> list[str]:
    """``layer{start}`` .. ``layer{stop}``, both included; each must have scores."""
    if not 1 <= start <= stop:
        raise UserError(f"layers start .. stop are edited, from 1 on, not {start} .. {stop}")
    names = [f"layer{k}" for k in range(start, stop + 1)]
    for name in names:
        worst_units(ranked, name, 0)
    return names


def worst_units(ranked: Mapping[str, RankedLayer], layer: str, n: int) -> tuple[int, ...]:
    """The ``n`` most defective units of a layer, the worst first; or one line that says why not."""
    if layer not in ranked:
        raise UserError(
            f"{layer} has no scores; there are {', '.join(ranked)} "
            "(collect_featuremaps.layers says which are scored)"
        )
    order = ranked[layer].order
    if not 0 <= n <= len(order):
        raise UserError(f"n is {n}; {layer} has {len(order)} units")
    return tuple(int(unit) for unit in order[:n])


def factors(
    ranked: RankedLayer, units: tuple[int, ...], scale: float, normalise: Normalisation
) -> tuple[float, ...]:
    """Algorithm 1's scale * (1 - normalised score) of some units of a layer, at least 0."""
    if not (math.isfinite(scale) and scale >= 0):
        raise UserError(f"scale is {scale}; it is a factor of at least 0")
    scores = [float(s) for s in normalised(ranked.score, normalise)[list(units)]]
    strange = [s for s in scores if not 0 <= s <= 1]
    if strange and scale:
        raise UserError(
            f"scale takes normalised scores from 0 to 1; {ranked.layer} has {strange[0]:.4g}: "
            "set normalise of the correction to max or minmax"
        )
    return tuple(scale * (1 - s) if scale else 0.0 for s in scores)


def normalised(score: np.ndarray, how: Normalisation) -> np.ndarray:
    """A layer's scores as Algorithm 1 takes them, float64 ``[unit]``.

    ``none``: as they are. ``max``: divided by the largest. ``minmax``: the smallest to 0, the
    largest to 1. A layer without a score above 0 (``minmax``: with equal scores) is all 0.
    """
    if how == "none":
        return score
    low = score.min() if how == "minmax" else 0.0
    span = score.max() - low
    return (score - low) / span if span > 0 else np.zeros_like(score)
