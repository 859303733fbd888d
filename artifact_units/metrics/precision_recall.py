"""Precision and recall of Kynkäänniemi 2019, with torch-fidelity's arithmetic."""

from __future__ import annotations

import numpy as np
import torch
from torch_fidelity.metric_prc import (
    KEY_METRIC_PRECISION,
    KEY_METRIC_RECALL,
    prc_features_to_metric,
)

from artifact_units.computing.batches import filled
from artifact_units.evaluation.neighbours import centred, distances, radii, rows_at_once
from artifact_units.images.features import check_enough
from artifact_units.shapes import Features, Reals


def measure(real: Reals, generated: Features, *, neighbours: int) -> dict[str, float]:
    """``precision``: share of generations inside the reals' balls; ``recall``: the reverse.

    A ball reaches to an image's k-th nearest neighbour, so k + 1 images are the least.
    """
    least = (neighbours + 1, neighbours + 1)
    check_enough(f"precision with {neighbours} neighbours", real, generated, least)
    near, own = centred(real, generated)
    found = prc_features_to_metric(
        own,  # torch-fidelity's input1 is the generated set
        near,
        prc_neighborhood=neighbours,
        prc_batch_size=rows_at_once(max(real, generated, key=len)),
        save_cpu_ram=True,  # by blocks
        verbose=False,
    )
    return {"precision": found[KEY_METRIC_PRECISION], "recall": found[KEY_METRIC_RECALL]}


def resample(
    real: Reals, generated: Features, counts: np.ndarray, *, neighbours: int
) -> dict[str, np.ndarray]:
    """The same with generation i taken ``counts[., i]`` times; the balls stay as they are."""
    balls = radii(real, neighbours)
    blocks = ((d <= balls).any(dim=1) for d in distances(generated, real))
    inside = filled(torch.empty(len(generated), dtype=torch.bool), blocks)
    balls = radii(generated, neighbours)
    drawn = torch.from_numpy(counts.T > 0).float()
    covered = torch.zeros(len(counts), dtype=torch.float64)
    for block in distances(real, generated):
        covered += ((block <= balls).float() @ drawn > 0).sum(dim=0)
    return {
        "precision": counts @ inside.double().numpy() / counts.sum(axis=1),
        "recall": covered.numpy() / len(real),
    }
