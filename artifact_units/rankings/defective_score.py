"""The paper's defective score (section 3.2): how well a unit's activation fits the artifact's mask.

    DS(l, u, a) = 1 / |X_a| * sum over x in X_a of |A_u(z_x) and L_a(x)| / |A_u(z_x) or L_a(x)|

the mean of the IoUs of the images, not the IoU of sums. X_a: generations labelled artifact that
have a mask; L_a: the mask; A_u: where the unit is above its threshold (``overlap.py``).
"""

from __future__ import annotations

import torch

from artifact_units.errors import UserError
from artifact_units.units.evidence import Evidence, UnitScores
from artifact_units.units.overlap import overlap_of


def score(evidence: Evidence) -> UnitScores:
    """Mean IoU by unit, in [0, 1]; beside it what two independent areas as large would score."""
    used = torch.from_numpy(evidence.artifact & evidence.masked)
    if not used.any():
        raise UserError(
            f"none of {int(evidence.artifact.sum())} artifact generations has a mask; "
            "label more, or lower score_units.mask_threshold"
        )
    rows = used.nonzero()[:, 0].to(evidence.featuremaps.device)
    overlap = overlap_of(evidence.featuremaps[rows], evidence.thresholds, evidence.masks[rows])
    per_image = overlap.iou().numpy()
    mean = per_image.mean(0)
    return UnitScores(
        score=mean,
        per_image=per_image,
        mean_iou=mean,
        chance_iou=overlap.chance_iou().numpy().mean(0),
        images=len(per_image),
    )
