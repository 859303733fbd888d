"""Algorithm 1 towards the normals' mean, not towards zero, which may be no usual value of a unit.

Needs a ranking and labels. Costs a multiplication and an addition a layer and image.
"""

from __future__ import annotations

from typing import Literal

from artifact_units.corrections.correction import Correction
from artifact_units.corrections.evidence import (
    CorrectionEvidence,
    factors,
    layer_names,
    worst_units,
)
from artifact_units.layers.edits import Shrink
from artifact_units.units.tallies import tallied


def correct(
    evidence: CorrectionEvidence,
    *,
    stop: int,
    n: int,
    scale: float = 0.0,
    start: int = 1,
    normalise: Literal["none", "max", "minmax"] = "none",
) -> Correction:
    """Leave the top ``n`` units of layers ``start`` .. ``stop`` a part of what is not their mean.

    The part is scale * (1 - score), as in ``sequential``; 0 sets them to their mean, over all
    positions of the generations labelled normal.
    """
    edits = {}
    for layer in layer_names(evidence.ranked, start, stop):
        units = worst_units(evidence.ranked, layer, n)
        means = tallied(evidence.normals(layer)[:, list(units)]).mean()
        parts = factors(evidence.ranked[layer], units, scale, normalise)
        edits[layer] = Shrink(units, parts, tuple(means.tolist()))
    return Correction(edits)
