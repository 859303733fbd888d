"""Single-layer correction (section 3.2): the top units of one layer to zero, everywhere.

Needs a ranking. Costs nothing an image: it folds into the weights.
"""

from __future__ import annotations

from artifact_units.corrections.correction import Correction
from artifact_units.corrections.evidence import CorrectionEvidence, worst_units
from artifact_units.layers.edits import Scale


def correct(evidence: CorrectionEvidence, *, layer: str, n: int) -> Correction:
    """Zero the ``n`` most defective units of ``layer``; n = 0 leaves the generator as it is."""
    units = worst_units(evidence.ranked, layer, n)
    return Correction({layer: Scale(units, (0.0,) * len(units))})
