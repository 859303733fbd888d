"""How far a unit leaves, in artifacts, the range that it keeps to in normal generations.

Not of the paper, and it looks at no mask. The range is [.5 %, 99.5 %] of a unit's values over all
positions of the normals, which is what the corrector ``clip`` holds it to; what excites a unit
together with others, downstream of a defect, has a wide range already and scores low. Units that
are silent in normals score highest of all, so it is at its best with defects of that kind.
Needs labels.
"""

from __future__ import annotations

import numpy as np
import torch

from artifact_units.computing.batches import filled
from artifact_units.computing.stored import in_parts
from artifact_units.errors import UserError
from artifact_units.shapes import Featuremaps
from artifact_units.units.evidence import Evidence, UnitScores
from artifact_units.units.tallies import by_units, check_countable, tallied, usual_range

TAIL = 0.005
FLOOR = 0.05  # of a unit's deviation: the least that a range counts for


def score(evidence: Evidence) -> UnitScores:
    """Mean excess over positions and artifacts, less that of normals, in widths of the range.

    A unit that is the same everywhere scores 0. The interval is over artifacts, with the normals
    as given.
    """
    normals = int((~evidence.artifact).sum())
    if not 0 < normals < len(evidence.artifact):
        raise UserError(
            f"range_excess needs artifact and normal generations; of "
            f"{len(evidence.artifact)} there are {normals} normal: label more"
        )
    check_countable(evidence.featuremaps)  # both kinds are counted apart, and then merged
    excess = [_excess(units, evidence.artifact) for units in by_units(evidence.featuremaps)]
    per_image = np.concatenate(excess, axis=1)
    return UnitScores(score=per_image.mean(0), per_image=per_image, images=len(evidence.artifact))


def _excess(maps: Featuremaps, artifact: np.ndarray) -> np.ndarray:
    """Of each artifact less the mean one of normals, in widths, float64 ``[artifact, unit]``."""
    usual, others = (tallied(maps[torch.from_numpy(rows)]) for rows in (~artifact, artifact))
    low, high = usual_range(usual, TAIL)
    width = np.maximum((high - low).numpy(), FLOOR * usual.merged(others).deviation())
    low, high = (bound.to(maps.device)[:, None, None] for bound in (low, high))
    values = (part.float() for part in in_parts(maps))
    beyond = ((v - high).clamp(min=0) + (low - v).clamp(min=0) for v in values)
    room = torch.empty(maps.shape[:2], dtype=torch.float64, device=maps.device)
    means = filled(room, (b.mean((2, 3), dtype=torch.float64) for b in beyond)).cpu().numpy()
    means /= np.where(width > 0, width, np.inf)
    return means[artifact] - means[~artifact].T.copy().mean(1)
