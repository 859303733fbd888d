"""Taking heatmaps of images, whatever masker makes them, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from artifact_units.classifier.heatmaps import HeatmapSet
from artifact_units.classifier.network import Classifier
from artifact_units.computing.batches import batched
from artifact_units.computing.transfers import fetched, sent
from artifact_units.errors import UserError
from artifact_units.images.image_sets import ImageSet
from artifact_units.shapes import Heatmaps, Images, Logits


@dataclass(frozen=True)
class MaskerEvidence:
    """What a masker may look at: a batch of generations, and what there is beside it."""

    classifier: Classifier
    images: Images  # uint8, on the classifier's device
    ids: np.ndarray  # int64 [image]: theirs
    asked: np.ndarray  # int64: every generation that a heatmap is asked of, those of ``ids`` too
    folder: Path  # compute_masks.heatmaps: heatmaps from elsewhere


Masker = Callable[[MaskerEvidence], tuple[Logits, Heatmaps]]


def heatmaps_of(
    mask: Masker,
    classifier: Classifier,
    images: ImageSet,
    batch: int,
    *,
    asked: np.ndarray,
    folder: Path,
) -> HeatmapSet:
    """What ``mask`` says of every image of a set, a batch at a time; refuses NaN and infinity."""

    def looked(shard: Images, ids: np.ndarray) -> Iterator[tuple[Logits, Heatmaps]]:
        def look(mine: range) -> tuple[Logits, Heatmaps]:
            rows = slice(mine.start, mine.stop)
            pixels = sent(shard[rows], classifier.device)
            return mask(MaskerEvidence(classifier, pixels, ids[rows], asked, folder))

        return batched(range(len(shard)), batch, look)

    shards = images.batches(max(1, len(images)))
    ids = np.split(images.ids, np.cumsum(images.sizes)[:-1])
    logits, heatmaps = [], []
    for said, seen in fetched(chain.from_iterable(map(looked, shards, ids))):
        sound = said.isfinite().all(1) & seen.isfinite().all((1, 2))
        if not sound.all():
            where = images.ids[sum(map(len, logits)) + int((~sound).nonzero()[0])]
            raise UserError(
                f"{images.folder}: the classifier's logits or heatmap of generation {where} are "
                f"not finite; train the classifier anew"
            )
        logits.append(said)
        heatmaps.append(seen)
    return HeatmapSet(images.ids, torch.cat(logits), torch.cat(heatmaps))
