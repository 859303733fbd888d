"""Other costs that a choice without a truth could go by, of the same fitted corrections.

The cost of ``corrections/judge.py`` earns its place where these lead to a worse true repair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from artifact_units.corrections.correction import Correction
from artifact_units.corrections.judge import Judge, Judged, least_change
from studies.bench.learned import Learned
from studies.bench.likeness import dissimilarity

LEAST = 1e-3  # of a change, unit range: where a gain is divided by it

Fits = Sequence[tuple[Correction, Judged]]  # each correction, and its cost by the cell's own judge


def own(learned: Learned, fits: Fits) -> int:
    """The cost of the product: artifact probability and harm times the normals' mean change."""
    return least_change([judged for _, judged in fits])


def another_training(learned: Learned, fits: Fits, step: int) -> int:
    """The same by a classifier of the same labels, from another seed."""
    judge = learned.judge_by(learned.trained(learned.seed + step))
    return least_change([judge.judged(correction) for correction, _ in fits])


def structure(learned: Learned, fits: Fits) -> int:
    """The normals' change as structural dissimilarity, in place of the mean of pixels."""
    return least_change([_by_structure(learned.judge, *fit) for fit in fits])


def gain_per_harm(learned: Learned, fits: Fits) -> int:
    """The most artifact probability taken away for the normals' change; the first fit is none."""
    before = fits[0][1].artifacts.mean()
    worth = [(before - j.artifacts.mean()) / (j.change.mean() + LEAST) for _, j in fits]
    return int(np.argmax(worth))


COSTS: dict[str, Callable[[Learned, Fits], int]] = {
    "chosen": own,
    "chosen_training_1": lambda learned, fits: another_training(learned, fits, 1001),
    "chosen_training_2": lambda learned, fits: another_training(learned, fits, 1002),
    "chosen_structure": structure,
    "chosen_gain_per_harm": gain_per_harm,
}


def _by_structure(judge: Judge, correction: Correction, judged: Judged) -> Judged:
    after = judge.images(judge.normals, correction)
    nowhere = torch.zeros(len(after), *after.shape[2:], dtype=torch.bool)
    unlike = dissimilarity(after, judge.before, nowhere)
    return Judged(judged.artifacts, judged.normals, unlike.double().numpy(), judged.harm)
