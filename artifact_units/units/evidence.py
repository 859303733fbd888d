"""What a ranking may look at and what it says; its rows of the table. One layer each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from artifact_units.computing.batches import filled
from artifact_units.computing.remembered import remembered
from artifact_units.computing.stored import in_parts
from artifact_units.shapes import Featuremaps, Masks, PerUnit


@dataclass(frozen=True)
class Evidence:
    """Everything known of one layer. Images are the labelled ones that were collected.

    ``featuremaps``, ``masks`` and ``thresholds`` lie on the device of the run, the rest on the CPU.
    """

    layer: str
    ids: np.ndarray  # int64 [image]
    artifact: np.ndarray  # bool [image]: the label
    featuremaps: Featuremaps  # float16 [image, unit, row, col]
    masks: Masks  # [image, height, width]; all False where an image has none
    thresholds: PerUnit  # a unit is on above it; from unlabelled generations
    maxima: Float[Tensor, "unlabelled unit"]  # spatial maxima
    unlabelled: Float[Tensor, "unlabelled feature"]  # rows go with those of maxima
    reals: Float[Tensor, "real feature"]
    seed: int
    repeat: int

    @property
    def masked(self) -> np.ndarray:
        """Which images have a mask, bool ``[image]``."""
        return _masked(self.masks)


@remembered  # masks are the same in every layer
def _masked(masks: Masks) -> np.ndarray:
    room = torch.empty(len(masks), dtype=torch.bool, device=masks.device)
    found = filled(room, (part.flatten(1).any(1) for part in in_parts(masks))).cpu().numpy()
    found.setflags(write=False)  # all rankings look at this one
    return found


@dataclass(frozen=True)
class UnitScores:
    """Higher = more defective.

    ``per_image`` is given where the score is a mean over images; it allows an interval.
    """

    score: np.ndarray  # float64 [unit]
    per_image: np.ndarray | None = None  # float64 [image used, unit]
    mean_iou: np.ndarray | None = None  # float64 [unit]
    chance_iou: np.ndarray | None = None  # float64 [unit]
    images: int = 0


@dataclass(frozen=True)
class RankedLayer:
    """One layer of one ranking (and repeat), as the scores table holds it."""

    layer: str
    score: np.ndarray  # float64 [unit]
    order: np.ndarray  # int64 [unit]: unit indices, most defective first
