"""What a ranking may look at and what it says; what a corrector is handed. One layer each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from artifact_units.shapes import Featuremaps, Features, Masks, PerUnit


@dataclass(frozen=True)
class Evidence:
    """Everything known of one layer. Images are the labelled ones that were collected."""

    layer: str
    ids: np.ndarray  # [image]
    artifact: np.ndarray  # bool [image]: the label
    featuremaps: Featuremaps  # float16 [image, unit, row, col]
    masks: Masks  # [image, height, width]; all False where an image has none
    thresholds: PerUnit  # a unit is on above it; from unlabelled generations
    maxima: Tensor  # [unlabelled image, unit]: spatial maxima
    unlabelled: Features  # [unlabelled image, feature]
    reals: Features  # [real image, feature]
    seed: int
    repeat: int


@dataclass(frozen=True)
class UnitScores:
    """Higher = more defective. ``per_image`` (``[image used, unit]``) allows an interval."""

    score: np.ndarray  # float64 [unit]
    per_image: np.ndarray | None = None
    mean_iou: np.ndarray | None = None  # [unit]
    chance_iou: np.ndarray | None = None  # [unit]
    images: int = 0


@dataclass(frozen=True)
class RankedLayer:
    """One layer of one ranking (and repeat), as the scores table holds it."""

    layer: str
    score: np.ndarray  # float64 [unit]
    normalised_score: np.ndarray  # float64 [unit]
    order: np.ndarray  # int [unit]: unit indices, most defective first
