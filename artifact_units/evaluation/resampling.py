"""Bootstrap over images: how often each is drawn, and the interval around what was measured."""

from __future__ import annotations

import numpy as np


def draws(images: int, resamplings: int, seed: int) -> np.ndarray:
    """int64 ``[resampling, image]``: each row draws ``images`` images with replacement.

    The same for every set of so many images, so that rows of the same ids are compared in pairs.
    """
    chances = np.full(images, 1 / max(images, 1))
    return np.random.default_rng(seed).multinomial(images, chances, size=resamplings)


def interval(value: float, resampled: np.ndarray) -> tuple[float, float]:
    """The 95 % bootstrap interval, centred on ``value``; NaN without resamplings.

    Centred, because a Frechet distance grows as distinct images get fewer, and a resampling has
    fewer: its own quantiles lie beside the value. Equal images in every row make rows comparable.
    """
    if not len(resampled) or not np.isfinite(resampled).all():
        return float("nan"), float("nan")
    low, high = np.quantile(resampled - resampled.mean(), [0.025, 0.975])
    return float(value + low), float(value + high)


def median_of(values: np.ndarray, counts: np.ndarray) -> tuple[float, float, float]:
    """The median of one value an image, and the resamplings' own 95 % of it.

    Not centred on it, so that the interval holds nothing that no image has.
    """
    value = float(np.median(values))
    if not len(counts):
        return value, float("nan"), float("nan")
    resampled = [np.median(np.repeat(values, count)) for count in counts]
    low, high = np.quantile(resampled, [0.025, 0.975])
    return value, float(low), float(high)


def mean_of(values: np.ndarray, counts: np.ndarray) -> tuple[float, float, float]:
    """The mean of one value an image, and its interval; images whose value is NaN count nowhere."""
    known = np.isfinite(values)
    if not known.any():
        return float("nan"), float("nan"), float("nan")
    weights = counts[:, known]
    resampled = weights @ values[known] / weights.sum(axis=1).clip(1)
    value = float(values[known].mean())
    return value, *interval(value, resampled)
