"""How much more active a unit is in artifacts than in normal generations; looks at no mask."""

from __future__ import annotations

import numpy as np
import torch

from artifact_units.errors import UserError
from artifact_units.units.evidence import Evidence, UnitScores


def score(evidence: Evidence) -> UnitScores:
    """(mean over artifacts - mean over normals) / standard deviation over all, by unit.

    An image's activation is the spatial mean of its featuremap. Signed: a unit that falls silent
    in artifacts scores below 0, since zeroing it cannot take the artifact away. A unit that is
    the same in every image scores 0. The interval is over artifacts, with the normals as given.
    """
    normals = int((~evidence.artifact).sum())
    if not 0 < normals < len(evidence.artifact):
        raise UserError(
            f"activation_difference needs artifact and normal generations; of "
            f"{len(evidence.artifact)} there are {normals} normal: label more"
        )
    means = evidence.featuremaps.mean((2, 3), dtype=torch.float32).double().cpu().numpy()
    spread = means.std(0)
    away = means[evidence.artifact] - means[~evidence.artifact].mean(0)
    per_image = np.divide(away, spread, out=np.zeros_like(away), where=spread > 0)
    return UnitScores(score=per_image.mean(0), per_image=per_image, images=len(means))
