"""GAN Dissection's per-unit FID (Bau et al., ICLR 2019): a unit is as bad as what excites it most.

There the 10,000 of 200,000 generations with the highest spatial maximum are compared with the
reals. Here features are extracted once per generation, so a unit costs one Frechet distance and
no new generation. It grows with the cube of the features: 2048 of Inception take seconds a unit.
"""

from __future__ import annotations

import numpy as np

from artifact_units.errors import UserError
from artifact_units.evidence import Evidence, UnitScores


def score(evidence: Evidence, *, top: int = 1000) -> UnitScores:
    """Frechet distance to the reals of the ``top`` unlabelled generations of each unit.

    The arithmetic is torch-fidelity's. Of equal maxima the lower id comes first.
    """
    # Here and not above: it takes seconds, and only this ranking needs it.
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    images = len(evidence.maxima)
    if not 2 <= top <= images:
        raise UserError(
            f"unit_fid takes a top from 2 to the {images} unlabelled generations, not {top}; "
            "change it, or raise sample_generations.unlabelled"
        )
    highest = evidence.maxima.sort(dim=0, descending=True, stable=True).indices[:top].T
    features = evidence.unlabelled.double()
    reals = fid_features_to_statistics(evidence.reals.double())
    distances = [
        fid_statistics_to_metric(fid_features_to_statistics(features[rows]), reals, verbose=False)
        for rows in highest
    ]
    score = np.array([d["frechet_inception_distance"] for d in distances])
    return UnitScores(score=score, images=top)
