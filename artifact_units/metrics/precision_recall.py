"""Precision and recall of Kynkäänniemi 2019; equal to torch-fidelity's."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from artifact_units.computing.batches import filled
from artifact_units.evaluation.neighbours import distances, radii
from artifact_units.images.features import check_enough
from artifact_units.shapes import Features, Reals


def measure(real: Reals, generated: Features, *, neighbours: int) -> dict[str, float]:
    """``precision``: share of generations inside the reals' balls; ``recall``: the reverse.

    A ball reaches to an image's k-th nearest neighbour, so k + 1 images are the least.
    """
    least = (neighbours + 1, neighbours + 1)
    check_enough(f"precision with {neighbours} neighbours", real, generated, least)
    inside, covered = _inside(generated, real, neighbours), _inside(real, generated, neighbours)
    return {"precision": inside.float().mean().item(), "recall": covered.float().mean().item()}


def resample(
    real: Reals, generated: Features, counts: np.ndarray, *, neighbours: int
) -> dict[str, np.ndarray]:
    """The same with generation i taken ``counts[., i]`` times; the balls stay as they are."""
    inside = _inside(generated, real, neighbours)
    balls = radii(generated, neighbours)
    drawn = torch.from_numpy(counts.T > 0).float()
    covered = torch.zeros(len(counts), dtype=torch.float64)
    for block in distances(real, generated):
        covered += ((block <= balls).float() @ drawn > 0).sum(dim=0)
    return {
        "precision": counts @ inside.double().numpy() / counts.sum(axis=1),
        "recall": covered.numpy() / len(real),
    }


def _inside(points: Features, centres: Reals, neighbours: int) -> Tensor:
    """bool ``[point]``: whether a point lies in the ball of one of the centres."""
    balls = radii(centres, neighbours)
    blocks = ((d <= balls).any(dim=1) for d in distances(points, centres))
    return filled(torch.empty(len(points), dtype=torch.bool), blocks)
