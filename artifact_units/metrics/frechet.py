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

BLOCK = 256  # columns of a product computed at once


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
    root = _root(wanted["sigma"])
    images = generated.numpy().astype(np.float64)
    found = [_distance(wanted, root, images, count) for count in counts]
    return {"frechet": np.array(found)}


def _root(sigma: np.ndarray) -> np.ndarray:
    """The lower triangle with root @ root.T = sigma, which may be singular (Cholesky's may not)."""
    values, vectors = np.linalg.eigh(sigma)
    return np.transpose(np.linalg.qr((vectors * np.sqrt(values.clip(0))).T, mode="r"))


def _between(sigma: np.ndarray, root: np.ndarray) -> np.ndarray:
    """The lower half of root.T @ sigma @ root by blocks: a third of the products of the whole."""
    right, found = np.zeros_like(sigma), np.zeros_like(sigma)
    starts = range(0, len(sigma), BLOCK)
    for start in starts:
        right[:, start : start + BLOCK] = sigma[:, start:] @ root[start:, start : start + BLOCK]
    for start in starts:
        stop = start + BLOCK
        found[start:stop, :stop] = root[start:, start:stop].T @ right[start:, :stop]
    return found


def _distance(
    wanted: dict[str, np.ndarray], root: np.ndarray, images: np.ndarray, count: np.ndarray
) -> float:
    drawn = count > 0
    mean = count @ images / count.sum()
    centred = np.sqrt(count[drawn, None] / (count.sum() - 1)) * (images[drawn] - mean)
    if len(centred) < len(root):
        turned = centred @ root
        side = turned @ turned.T
    else:
        side = _between(centred.T @ centred, root)
    shared = np.sqrt(np.linalg.eigvalsh(side).clip(0)).sum()  # of the lower half, which is enough
    apart = np.sum((mean - wanted["mu"]) ** 2)
    return float(apart + np.trace(wanted["sigma"]) + np.sum(centred**2) - 2 * shared)
