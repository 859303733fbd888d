"""Feature Proliferation's rescaling (Song et al., ICCV 2023), unit by unit in each image.

Where the spatial mean of a unit is far from its usual one, d = mean - usual and r = d /
deviation with |d| > .1 and |r| > 2, the unit is divided by 2 |r|. All units of a layer, layer
after layer, so that later ones see the edited flow. It was made for StyleGAN2.

Needs no label, no classifier, no real image and no ranking; the usual values are over the
generations whose featuremaps were collected, half of them artifacts. Costs a mean a unit.
"""

from __future__ import annotations

import torch

from artifact_units.corrections.correction import Correction
from artifact_units.corrections.evidence import CorrectionEvidence, layer_names
from artifact_units.layers.edits import Calm


def correct(
    evidence: CorrectionEvidence,
    *,
    stop: int,
    away: float = 2.0,
    least: float = 0.1,
    start: int = 1,
) -> Correction:
    """Rescale units of layers ``start`` .. ``stop`` that are far from their usual mean.

    Far: more than ``least``, and more than ``away`` deviations.
    """
    edits = {}
    for layer in layer_names(evidence.ranked, start, stop):
        means = evidence.featuremaps(layer).mean((2, 3), dtype=torch.float64)
        usual, deviations = means.mean(0), means.std(0, correction=0)
        edits[layer] = Calm(tuple(usual.tolist()), tuple(deviations.tolist()), away, least)
    return Correction(edits)
