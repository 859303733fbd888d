"""Sequential correction (section 3.3, Algorithm 1): weaken the top units of consecutive layers.

The poster's loop runs k = 0 .. l, both included, and edits h_1 .. h_{l+1}; h_k is the output of
``layer{k}`` here, so ``stop`` is l + 1 and with ``start`` 1 the edited layers are the poster's.
The scores come from the uncorrected generator and are not computed again; what an edit
multiplies has gone through the edits before it. The latent is never edited.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from artifact_units.edits import Scale
from artifact_units.errors import UserError
from artifact_units.evidence import RankedLayer, worst_units


def correct(
    ranked: Mapping[str, RankedLayer], *, stop: int, n: int, scale: float, start: int = 1
) -> dict[str, Scale]:
    """Multiply the top ``n`` units of layers ``start`` .. ``stop`` by scale * (1 - score).

    The score is the normalised one, which must lie in [0, 1]; ``scale`` is the paper's lambda.
    """
    if not 1 <= start <= stop:
        raise UserError(f"sequential edits layers start .. stop from 1 on, not {start} .. {stop}")
    if not (math.isfinite(scale) and scale >= 0):
        raise UserError(f"sequential: scale is {scale}; it is a factor of at least 0")
    edits = {}
    for layer in (f"layer{k}" for k in range(start, stop + 1)):
        units = worst_units(ranked, layer, n)
        scores = [float(ranked[layer].normalised_score[unit]) for unit in units]
        strange = [s for s in scores if not 0 <= s <= 1]
        if strange:
            raise UserError(
                f"sequential takes normalised scores from 0 to 1; {layer} has {strange[0]:.4g}: "
                "set normalise of the ranking to max or minmax"
            )
        edits[layer] = Scale(units, tuple(scale * (1 - s) for s in scores))
    return edits
