"""The worst units of every scored layer, weaker."""

from __future__ import annotations

from artifact_units.corrections.correction import Correction
from artifact_units.corrections.evidence import CorrectionEvidence, worst_units
from artifact_units.layers.edits import Scale


def correct(evidence: CorrectionEvidence, *, n: int, factor: float = 0.25) -> Correction:
    """The top ``n`` units of each layer, times ``factor``."""
    layers = {name: worst_units(evidence.ranked, name, n) for name in evidence.ranked}
    return Correction({k: Scale(units, (factor,) * len(units)) for k, units in layers.items()})
