"""Hold the top units of consecutive layers within the range that they have in normal generations.

Not of the paper. A generation in which a unit stays in its usual range is not changed by it, so
a unit that is ranked high wrongly does little harm, and the choice of n hardly matters.

Needs a ranking and labels. Costs two comparisons a value of the units clipped.
"""

from __future__ import annotations

from artifact_units.corrections.correction import Correction
from artifact_units.corrections.evidence import CorrectionEvidence, layer_names, worst_units
from artifact_units.errors import UserError
from artifact_units.layers.edits import Clip
from artifact_units.units.tallies import tallied, usual_range


def correct(
    evidence: CorrectionEvidence, *, stop: int, n: int, start: int = 1, tail: float = 0.005
) -> Correction:
    """Clip the top ``n`` units of layers ``start`` .. ``stop`` to their ``tail`` quantiles.

    The quantiles ``tail`` and 1 - ``tail`` of a unit are over all positions of the generations
    labelled normal, and values that occurred.
    """
    if not 0 <= tail < 0.5:
        raise UserError(f"clip: tail is {tail}; it is a part from 0 to below 0.5")
    edits = {}
    for layer in layer_names(evidence.ranked, start, stop):
        units = worst_units(evidence.ranked, layer, n)
        low, high = usual_range(tallied(evidence.normals(layer)[:, list(units)]), tail)
        edits[layer] = Clip(units, tuple(low.tolist()), tuple(high.tolist()))
    return Correction(edits)
