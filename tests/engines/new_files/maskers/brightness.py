"""The artifact is where it is bright."""

from __future__ import annotations

from artifact_units.classifier.masking import MaskerEvidence
from artifact_units.shapes import Heatmaps, Logits


def mask(evidence: MaskerEvidence, *, power: int) -> tuple[Logits, Heatmaps]:
    """The classifier's logits; grey in [0, 1] to a power."""
    grey = evidence.images.float().mean(1) / 255
    return evidence.classifier(evidence.images), grey**power
