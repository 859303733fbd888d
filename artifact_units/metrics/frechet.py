"""Frechet distance between two Gaussians fitted to features, with torch-fidelity's arithmetic."""

from __future__ import annotations

import numpy as np
from torch_fidelity.metric_fid import (
    KEY_METRIC_FID,
    fid_features_to_statistics,
    fid_statistics_to_metric,
)

from artifact_units.computing.remembered import remembered
from artifact_units.evaluation.gaussians import Resampled, gaussian_of
from artifact_units.images.features import check_enough
from artifact_units.shapes import Features, Reals


def measure(real: Reals, generated: Features) -> dict[str, float]:
    """``frechet``: |difference of means|^2 + tr(S1 + S2 - 2 (S1 S2)^.5); biased by about 1/N."""
    check_enough("the Frechet distance", real, generated, (2, 2))
    statistics = fid_features_to_statistics(generated), _statistics(real)
    return {"frechet": fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID]}


@remembered  # every row has the same reals
def _statistics(real: Reals) -> dict[str, np.ndarray]:
    return fid_features_to_statistics(real)


def resample(real: Reals, generated: Features, counts: np.ndarray) -> dict[str, np.ndarray]:
    """The same with image i taken ``counts[., i]`` times: ``{"frechet": [resampling]}``."""
    drawn = Resampled(gaussian_of(real), generated)
    return {"frechet": np.array([drawn.distance(count) for count in counts])}
