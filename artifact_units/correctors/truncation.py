"""Control: latents of a truncated normal distribution, each near its old one.

Fewer artifacts for less variety: read recall beside it. StyleGAN's own truncation, of w, is an
option of its generator. Needs nothing, and costs nothing an image.
"""

from __future__ import annotations

from artifact_units.corrections.correction import Correction
from artifact_units.corrections.evidence import CorrectionEvidence
from artifact_units.errors import UserError
from artifact_units.layers.latent_edits import Truncate


def correct(evidence: CorrectionEvidence, *, bound: float = 1.0) -> Correction:
    """Bring every value of the latent within ``bound`` deviations, keeping its quantile."""
    if not bound > 0:
        raise UserError(f"truncation: bound is {bound}; it is a number above 0")
    return Correction(latent=Truncate(bound))
