"""Units by their number."""

from __future__ import annotations

import numpy as np

from artifact_units.units.evidence import Evidence, UnitScores


def score(evidence: Evidence, *, step: float = 1.0) -> UnitScores:
    """The last unit scores highest."""
    return UnitScores(score=np.arange(evidence.featuremaps.shape[1], dtype=np.float64) * step)
