"""The correction that the stage ``choose_correction`` picked without a truth.

Needs labels and the classifier, which it was chosen by. Costs an image what the chosen one costs.
"""

from __future__ import annotations

from artifact_units.corrections.correction import Correction
from artifact_units.corrections.evidence import CorrectionEvidence
from artifact_units.errors import UserError


def correct(evidence: CorrectionEvidence) -> Correction:
    """The chosen correction, whatever ranking is named beside it."""
    if evidence.chosen is None:
        raise UserError("chosen cannot be a candidate of its own choice; name another corrector")
    return evidence.chosen
