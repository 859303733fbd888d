"""Realism score of Kynkäänniemi 2019, equation 3."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from artifact_units.computing.batches import filled
from artifact_units.evaluation.neighbours import distances, radii
from artifact_units.images.features import check_enough
from artifact_units.shapes import Features, Reals

FLOOR = 1e-5  # added to distances, as the authors do

Realism = Float[Tensor, " batch"]


@lru_cache(maxsize=1)  # a value and then its resamplings are of the same
def realism(real: Reals, generated: Features, neighbours: int) -> Realism:
    """max over reals of (radius of the real) / (distance to the real); 1 or more: inside a ball.

    A radius is the distance to the k-th nearest other real; reals whose radius is above the
    median are left out. Distances, not their squares, which the authors' program divides. The
    last result is kept, so the features must not be changed in place.
    """
    check_enough(f"realism with {neighbours} neighbours", real, generated, (neighbours + 1, 1))
    balls = radii(real, neighbours)
    kept = balls <= float(np.median(balls.numpy()))
    blocks = ((balls[kept] / (d + FLOOR)).amax(dim=1) for d in distances(generated, real[kept]))
    return filled(torch.empty(len(generated), dtype=torch.float64), blocks)


def measure(real: Reals, generated: Features, *, neighbours: int) -> dict[str, float]:
    """``realism``: the mean; ``realistic``: the share of generations of realism 1 or more."""
    found = realism(real, generated, neighbours)
    return {
        "realism": found.mean().item(),
        "realistic": (found >= 1).double().mean().item(),
    }


def resample(
    real: Reals, generated: Features, counts: np.ndarray, *, neighbours: int
) -> dict[str, np.ndarray]:
    """The same with generation i taken ``counts[., i]`` times."""
    found = realism(real, generated, neighbours).numpy()
    drawn = counts.sum(axis=1)
    return {"realism": counts @ found / drawn, "realistic": counts @ (found >= 1) / drawn}
