"""How far a unit leaves, in artifacts, the range that it keeps to in normal generations.

Not of the paper, and it looks at no mask. The range is [.5 %, 99.5 %] of a unit's values over all
positions of the normals, which is what the corrector ``clip`` holds it to; what excites a unit
together with others, downstream of a defect, has a wide range already and scores low. Units that
are silent in normals score highest of all, so it is at its best with defects of that kind.
Needs labels.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from artifact_units.errors import UserError
from artifact_units.evidence import Evidence, UnitScores

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
    per_image = np.stack([_excess(unit, evidence.artifact) for unit in _units(evidence)], axis=1)
    return UnitScores(score=per_image.mean(0), per_image=per_image, images=len(evidence.artifact))


def _units(evidence: Evidence) -> Iterator[np.ndarray]:
    """The values of each unit in turn, float32 ``[image, position]``."""
    for unit in range(evidence.featuremaps.shape[1]):
        yield evidence.featuremaps[:, unit].flatten(1).float().cpu().numpy()


def _excess(values: np.ndarray, artifact: np.ndarray) -> np.ndarray:
    """Excess of each artifact less the mean one of normals, in widths, float64 ``[artifact]``."""
    usual = values[~artifact]
    low, high = np.quantile(usual, [TAIL, 1 - TAIL], method="inverted_cdf")
    width = max(float(high - low), FLOOR * float(values.std(dtype=np.float64)))
    if width == 0:
        return np.zeros(int(artifact.sum()))
    beyond = np.maximum(values - high, 0) + np.maximum(low - values, 0)
    means = beyond.mean(1, dtype=np.float64) / width
    return means[artifact] - means[~artifact].mean()
