"""Control: move latents away from the artifacts' side of a hyperplane (InterFaceGAN, CVPR 2020).

There a linear support vector machine separates latents by a score of quality; here by our labels.
Its unit normal is the direction of all latents' move. Needs labels; costs nothing an image.
"""

from __future__ import annotations

import numpy as np

from artifact_units.corrections.correction import Correction
from artifact_units.corrections.evidence import CorrectionEvidence
from artifact_units.errors import UserError
from artifact_units.layers.latent_edits import Move

STEPS = 30  # of Newton's method, which ends in fewer


def correct(evidence: CorrectionEvidence, *, step: float = 1.0, cost: float = 1.0) -> Correction:
    """Move latents by ``step`` towards the normal ones; ``cost`` is the machine's C."""
    if not cost > 0:
        raise UserError(f"cost is {cost}; it takes a number above 0")
    ids = sorted(evidence.labels)
    latents = evidence.latents(ids).double().numpy()
    side = np.array([1.0 if evidence.labels[i] == "normal" else -1.0 for i in ids])
    return Correction(latent=Move(tuple(boundary(latents, side, cost).tolist()), step))


def boundary(points: np.ndarray, side: np.ndarray, cost: float) -> np.ndarray:
    """Unit normal of the linear support vector machine with squared hinge loss, to side +1.

    ``points`` ``[point, value]``, ``side`` +1 or -1. Minimises |w|^2 / 2 + C / n * sum over points
    of max(0, 1 - side (w x + b))^2 by Newton's method, which is exact once the active set stays.
    """
    rows = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    ridge = np.diag([*np.ones(points.shape[1]), 1e-9])
    weights, active = np.zeros(rows.shape[1]), np.zeros(len(rows), dtype=bool)
    for _ in range(STEPS):
        before, active = active, side * (rows @ weights) < 1
        if np.array_equal(active, before):
            break
        factor = 2 * cost / len(rows)
        hessian = ridge + factor * rows[active].T @ rows[active]
        weights = np.linalg.solve(hessian, factor * rows[active].T @ side[active])
    return weights[:-1] / np.linalg.norm(weights[:-1])
