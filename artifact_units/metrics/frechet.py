"""Frechet distance between two Gaussians fitted to features, with torch-fidelity's arithmetic."""

from __future__ import annotations

import numpy as np
from torch_fidelity.metric_fid import (
    KEY_METRIC_FID,
    fid_features_to_statistics,
    fid_statistics_to_metric,
)

from artifact_units.features import check_enough
from artifact_units.shapes import Features, Reals


def measure(real: Reals, generated: Features) -> dict[str, float]:
    """``frechet``: |difference of means|^2 + tr(S1 + S2 - 2 (S1 S2)^.5); biased by about 1/N."""
    check_enough("the Frechet distance", real, generated, (2, 2))
    statistics = [fid_features_to_statistics(f) for f in (generated, real)]
    return {"frechet": fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID]}


def resample(real: Reals, generated: Features, counts: np.ndarray) -> dict[str, np.ndarray]:
    """The same with image i taken ``counts[., i]`` times: ``{"frechet": [resampling]}``.

    The eigenvalues of S1 S2 from a symmetric matrix that has the same: of the side of the features
    or of the images, whichever is smaller.
    """
    wanted = fid_features_to_statistics(real)
    values, vectors = np.linalg.eigh(wanted["sigma"])
    root = vectors * np.sqrt(values.clip(0))  # root @ root.T = sigma
    images = generated.numpy().astype(np.float64)
    found = [_distance(wanted, root, images, count) for count in counts]
    return {"frechet": np.array(found)}


def _distance(
    wanted: dict[str, np.ndarray], root: np.ndarray, images: np.ndarray, count: np.ndarray
) -> float:
    drawn = count > 0
    mean = count @ images / count.sum()
    centred = np.sqrt(count[drawn, None] / (count.sum() - 1)) * (images[drawn] - mean)
    turned = centred @ root
    side = turned.T @ turned if turned.shape[1] < len(turned) else turned @ turned.T
    shared = np.sqrt(np.linalg.eigvalsh(side).clip(0)).sum()
    apart = np.sum((mean - wanted["mu"]) ** 2)
    return float(apart + np.trace(wanted["sigma"]) + np.sum(centred**2) - 2 * shared)
