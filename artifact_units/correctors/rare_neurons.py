"""Sequential ablation of rarely activated neurons (Choi et al., IJCAI 2022), position by position.

A neuron is one position of a unit; it is active above 0 and rare where that happens in few
generations, but not in none. Where a rare one is active, that position of that image is set to 0;
layers after it see the edited flow. There the rates are over 30,000 random generations; here over
those whose featuremaps were collected, half of them artifacts.

Needs no label, no classifier, no real image and no ranking. Costs a comparison a value.
"""

from __future__ import annotations

from artifact_units.corrections.correction import Correction
from artifact_units.corrections.evidence import CorrectionEvidence, layer_names
from artifact_units.errors import UserError
from artifact_units.layers.edits import Silence
from artifact_units.units.tallies import often_active


def correct(
    evidence: CorrectionEvidence, *, stop: int, rate: float = 0.3, start: int = 1
) -> Correction:
    """Silence the neurons of layers ``start`` .. ``stop`` that are active in at most ``rate``."""
    if not 0 < rate <= 1:
        raise UserError(f"rare_neurons: rate is {rate}; it is a part above 0, of at most 1")
    edits = {}
    for layer in layer_names(evidence.ranked, start, stop):
        active = often_active(evidence.featuremaps(layer))
        edits[layer] = Silence.of(((active > 0) & (active <= rate)).numpy())
    return Correction(edits)
