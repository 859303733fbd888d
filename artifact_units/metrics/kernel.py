"""Kernel distance (cubic polynomial MMD^2, unbiased), with torch-fidelity's arithmetic."""

from __future__ import annotations

import numpy as np
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kernel_poly, kid_features_to_metric

from artifact_units.evaluation.neighbours import rows_at_once
from artifact_units.images.features import check_enough
from artifact_units.shapes import Features, Reals

KERNEL = {"kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1}


def measure(
    real: Reals, generated: Features, *, subsets: int, subset_size: int, seed: int
) -> dict[str, float]:
    """``kernel``: the mean over ``subsets`` pairs of subsets of ``subset_size`` images."""
    check_enough("the kernel distance (subset_size)", real, generated, (subset_size, subset_size))
    found = kid_features_to_metric(
        generated,
        real,
        kid_subsets=subsets,
        kid_subset_size=subset_size,
        rng_seed=seed,
        verbose=False,
        **KERNEL,
    )
    return {"kernel": found[KEY_METRIC_KID_MEAN]}


def resample(real: Reals, generated: Features, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Of all images at once, with image i taken ``counts[., i]`` times, up to a constant.

    The constant is the reals' own part. Pairs of an image with itself are left out, and so is
    their share of the pairs: a resampling is unbiased too.
    """
    x, y = generated.double().numpy(), real.double().numpy()
    within, across = np.zeros(len(counts)), np.zeros(len(x))
    block = rows_at_once(generated)
    for start in range(0, len(x), block):
        rows = slice(start, start + block)
        own = kernel_poly(x[rows], x, **KERNEL)
        own[np.arange(len(own)), np.arange(len(x))[rows]] = 0
        within += np.einsum("bi,ib->b", counts[:, rows], own @ counts.T)
    for start in range(0, len(y), block):
        across += kernel_poly(x, y[start : start + block], **KERNEL).sum(axis=1) / len(y)
    drawn = counts.sum(axis=1)
    pairs = drawn**2 - (counts**2).sum(axis=1)
    return {"kernel": within / pairs - 2 * (counts @ across) / drawn}
