"""Maskers' evidence of images alone, and heatmaps of a masker that looks at nothing else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch import Tensor

from artifact_units.classifier.heatmaps import HeatmapSet
from artifact_units.classifier.masking import MaskerEvidence, heatmaps_of
from artifact_units.classifier.network import Classifier, new_classifier
from artifact_units.images.image_sets import ImageSet


def evidence_of(classifier: Classifier, images: Tensor) -> MaskerEvidence:
    """One batch, ids from 0, and nothing beside it."""
    ids = np.arange(len(images))
    return MaskerEvidence(classifier, images, ids, ids, Path())


def heatmaps_by(look: Callable, images: ImageSet, batch: int) -> HeatmapSet:
    """What ``look`` says of the pixels: logits and heatmaps."""
    classifier = new_classifier("resnet18_narrow", 16, 0)
    beside = {"asked": images.ids, "folder": Path()}
    return heatmaps_of(lambda seen: look(seen.images), classifier, images, batch, **beside)
