"""Bootstrap over images: how often each is drawn, and the interval around what was measured."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=8)  # rows, and metrics of a row, have few sizes
def draws(images: int, resamplings: int, seed: int) -> np.ndarray:
    """int64 ``[resampling, image]``: each row draws ``images`` images with replacement.

    The same for every set of so many images, so that rows of the same ids are compared in pairs.
    """
    chances = np.full(images, 1 / max(images, 1))
    found = np.random.default_rng(seed).multinomial(images, chances, size=resamplings)
    found.setflags(write=False)
    return found


def interval(value: float, resampled: np.ndarray, centred: bool = True) -> tuple[float, float]:
    """The 95 % bootstrap interval, ``centred`` on ``value`` or as it is; NaN without resamplings.

    Centred, because a Frechet distance grows as distinct images get fewer, and a resampling has
    fewer: its own quantiles lie beside the value. A median's are left, or they would hold what no
    image has.
    """
    if not len(resampled) or not np.isfinite(resampled).all():
        return float("nan"), float("nan")
    low, high = np.quantile(resampled, [0.025, 0.975])
    moved = value - resampled.mean() if centred else 0.0
    return float(low + moved), float(high + moved)


def median_of(values: np.ndarray, counts: np.ndarray) -> tuple[float, np.ndarray]:
    """The median of one value an image, and its resamplings."""
    resampled = np.array([np.median(np.repeat(values, count)) for count in counts])
    return float(np.median(values)), resampled


def mean_of(values: np.ndarray, counts: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean of one value an image, and its resamplings; a value NaN counts nowhere."""
    known = np.isfinite(values)
    if not known.any():
        return float("nan"), np.zeros(0)
    weights = counts[:, known]
    return float(values[known].mean()), weights @ values[known] / weights.sum(axis=1).clip(1)
