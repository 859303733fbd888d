"""GAN Dissection's per-unit FID (Bau et al., ICLR 2019): a unit is as bad as what excites it most.

There the 10,000 of 200,000 generations with the highest spatial maximum, a twentieth, are
compared with the reals. Here features are extracted once per generation, so a unit costs one
Frechet distance and no new generation. It grows with the cube of the features: 2048 of Inception
take seconds a unit.
"""

from __future__ import annotations

import numpy as np

from artifact_units.errors import UserError
from artifact_units.evaluation.gaussians import Resampled, gaussian_of
from artifact_units.units.evidence import Evidence, UnitScores


def score(evidence: Evidence, *, top: float = 0.05) -> UnitScores:
    """Frechet distance to the reals of the share ``top`` of each unit's unlabelled generations.

    In (0, 1]; at least two generations, or there is no covariance. Of equal maxima the lower id
    comes first.
    """
    images = len(evidence.maxima)
    taken = round(top * images)
    if not 2 <= taken <= images:
        raise UserError(
            f"unit_fid takes at least 2 and at most all of the {images} unlabelled generations, "
            f"and a top of {top:g} is {taken}; change it, or raise sample_generations.unlabelled"
        )
    highest = evidence.maxima.sort(dim=0, descending=True, stable=True).indices[:taken].T
    drawn = Resampled(gaussian_of(evidence.reals), evidence.unlabelled)
    score = [drawn.distance(np.bincount(rows, minlength=images)) for rows in highest.numpy()]
    return UnitScores(score=np.array(score), images=taken)
