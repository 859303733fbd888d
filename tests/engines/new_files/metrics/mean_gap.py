"""How far the means of two sets of features are apart."""

from __future__ import annotations

from artifact_units.images.features import check_enough
from artifact_units.shapes import Features, Reals


def measure(real: Reals, generated: Features) -> dict[str, float]:
    """``mean_gap``: the Euclidean distance of the means."""
    check_enough("the gap of means", real, generated, (1, 1))
    return {"mean_gap": float((real.mean(0) - generated.mean(0)).norm())}
