"""GAN Dissection's per-unit FID (Bau et al., ICLR 2019): a unit is as bad as what excites it most.

There the 10,000 of 200,000 generations with the highest spatial maximum are compared with the
reals. Here features are extracted once per generation, so a unit costs one Frechet distance and
no new generation. It grows with the cube of the features: 2048 of Inception take seconds a unit.
"""

from __future__ import annotations

import numpy as np

from artifact_units.errors import UserError
from artifact_units.evaluation.gaussians import Resampled, gaussian_of
from artifact_units.units.evidence import Evidence, UnitScores


def score(evidence: Evidence, *, top: int = 1000) -> UnitScores:
    """Frechet distance to the reals of the ``top`` unlabelled generations of each unit.

    Of equal maxima the lower id comes first.
    """
    images = len(evidence.maxima)
    if not 2 <= top <= images:
        raise UserError(
            f"unit_fid takes a top from 2 to the {images} unlabelled generations, not {top}; "
            "change it, or raise sample_generations.unlabelled"
        )
    highest = evidence.maxima.sort(dim=0, descending=True, stable=True).indices[:top].T
    drawn = Resampled(gaussian_of(evidence.reals), evidence.unlabelled)
    score = [drawn.distance(np.bincount(rows, minlength=images)) for rows in highest.numpy()]
    return UnitScores(score=np.array(score), images=top)
