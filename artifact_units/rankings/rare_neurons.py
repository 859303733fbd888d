"""Rarely activated neurons (Choi et al., IJCAI 2022) as a ranking of units.

There a neuron is one position of a unit, active above 0, rare where that happens in at most 30 %
of random generations but not in none, and a generation is scored by its active rare neurons. The
sum over generations, taken by unit, is this score. The generations are those whose featuremaps
were collected, half of them artifacts; no label is looked at.
"""

from __future__ import annotations

import torch

from artifact_units.computing.batches import filled
from artifact_units.computing.stored import in_parts
from artifact_units.errors import UserError
from artifact_units.units.evidence import Evidence, UnitScores
from artifact_units.units.tallies import often_active


def score(evidence: Evidence, *, rate: float = 0.3) -> UnitScores:
    """Mean over generations of the share of a unit's positions that are rare and active."""
    if not 0 < rate <= 1:
        raise UserError(f"rare_neurons: rate is {rate}; it is a part above 0, of at most 1")
    maps = evidence.featuremaps
    often = often_active(maps)
    rare = (often > 0) & (often <= rate)
    shares = (((part > 0) & rare).mean((2, 3), dtype=torch.float64) for part in in_parts(maps))
    room = torch.empty(maps.shape[:2], dtype=torch.float64, device=maps.device)
    per_image = filled(room, shares).cpu().numpy()
    return UnitScores(score=per_image.mean(0), per_image=per_image, images=len(per_image))
