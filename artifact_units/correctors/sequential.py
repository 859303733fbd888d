"""Sequential correction (section 3.3, Algorithm 1): weaken the top units of consecutive layers.

The poster's loop runs k = 0 .. l, both included, and edits h_1 .. h_{l+1}; h_k is the output of
``layer{k}`` here, so ``stop`` is l + 1 and with ``start`` 1 the edited layers are the poster's.
The scores come from the uncorrected generator and are not computed again; what an edit
multiplies has gone through the edits before it. The latent is never edited.

Needs a ranking. Costs a multiplication a layer and image, or nothing where it is folded.
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
from artifact_units.layers.edits import Scale


def correct(
    evidence: CorrectionEvidence,
    *,
    stop: int,
    n: int,
    scale: float,
    start: int = 1,
    normalise: Literal["none", "max", "minmax"] = "none",
) -> Correction:
    """Multiply the top ``n`` units of layers ``start`` .. ``stop`` by scale * (1 - score).

    The score is normalised in its layer and must then lie in [0, 1]; ``scale`` is the paper's
    lambda.
    """
    edits = {}
    for layer in layer_names(evidence.ranked, start, stop):
        units = worst_units(evidence.ranked, layer, n)
        edits[layer] = Scale(units, factors(evidence.ranked[layer], units, scale, normalise))
    return Correction(edits)
