"""Defective score on artifacts less the same on normal generations, whose masks one masker makes.

Not of the paper. A unit that is on wherever the classifier looks, in good images too, scores high
by the defective score and near 0 here. Needs labels and the classifier.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from artifact_units.errors import UserError
from artifact_units.rankings import defective_score
from artifact_units.units.evidence import Evidence, UnitScores


def score(evidence: Evidence) -> UnitScores:
    """DS over artifacts - DS over normals, by unit, in [-1, 1].

    A normal generation without a mask counts as 0: the classifier sees nothing in it. The
    interval is over artifacts, with the normals as given.
    """
    found = defective_score.score(evidence)
    normals = int((~evidence.artifact).sum())
    if not normals:
        raise UserError("contrast needs normal generations; there is none: label some")
    masked = evidence.masked & ~evidence.artifact
    usual = np.zeros(len(found.score))
    if masked.any():
        swapped = defective_score.score(replace(evidence, artifact=~evidence.artifact))
        usual = swapped.score * masked.sum() / normals
    per_image = None if found.per_image is None else found.per_image - usual
    return replace(found, score=found.score - usual, per_image=per_image)
