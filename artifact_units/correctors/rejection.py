"""Control: draw another latent for a generation that the classifier calls an artifact.

It changes which images there are and repairs none, so what is measured pair by pair (recovery of
pixels, PSNR of the change) says nothing of it; ``acceptance`` in edits.json is the share of
labelled generations that are kept. Needs the classifier. Costs a classification an image, and a
further generation and classification for every one refused.
"""

from __future__ import annotations

import numpy as np

from artifact_units.corrections.correction import Correction
from artifact_units.corrections.evidence import CorrectionEvidence
from artifact_units.errors import UserError
from artifact_units.layers.latent_edits import Redraw


def correct(evidence: CorrectionEvidence, *, least: float = 0.5, tries: int = 10) -> Correction:
    """Redraw, at most ``tries`` times, where the artifact probability is at least ``least``."""
    if not 0 < least <= 1 or tries < 1:
        raise UserError(f"rejection takes 0 < least <= 1 and tries >= 1, not {least} and {tries}")
    kept = np.array(list(evidence.probability.values())) < least
    return Correction(latent=Redraw(float(kept.mean())), gate=least, tries=tries)
