"""How sharply a unit peaks at one place, in the generations where it does so most; no label.

Inspired by local activation (Jeong et al., AAAI 2022, arXiv 2112.08814) and no implementation of
it: only its abstract was at hand, which defines neither the neighbourhood nor the measure. Here
"local" is a place in the featuremap. Needs neither labels nor masks nor real images. Rare strong
peaks are what planted units show, so a domain of planted defects flatters it.
"""

from __future__ import annotations

import numpy as np
import torch

from artifact_units.computing.batches import filled
from artifact_units.computing.stored import in_parts
from artifact_units.errors import UserError
from artifact_units.units.evidence import Evidence, UnitScores
from artifact_units.units.tallies import by_units, tallied


def score(evidence: Evidence, *, share: float = 0.1) -> UnitScores:
    """(spatial maximum - spatial mean) / deviation of a unit, averaged over its sharpest ``share``.

    The deviation is over all generations and positions. A unit that is the same everywhere
    scores 0.
    """
    if not 0 < share <= 1:
        raise UserError(f"local_activation: share is {share}; it is a part above 0, of at most 1")
    maps = evidence.featuremaps
    spread = np.concatenate([tallied(units).deviation() for units in by_units(maps)])
    parts = (part.float() for part in in_parts(maps))
    heights = (part.amax((2, 3)) - part.mean((2, 3)) for part in parts)
    peaks = filled(torch.empty(maps.shape[:2], device=maps.device), heights).cpu()
    most = max(1, round(share * len(peaks)))
    sharpest = peaks.sort(dim=0, descending=True).values[:most].double().mean(0).numpy()
    return UnitScores(score=sharpest / np.where(spread > 0, spread, np.inf), images=most)
