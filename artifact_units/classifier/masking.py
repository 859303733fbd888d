"""Taking heatmaps of images, whatever masker makes them, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import torch

from artifact_units.classifier.heatmaps import HeatmapSet
from artifact_units.computing.batches import batched
from artifact_units.computing.transfers import fetched, sent
from artifact_units.errors import UserError
from artifact_units.images.image_sets import ImageSet
from artifact_units.shapes import Heatmaps, Images, Logits


def heatmaps_of(
    mask: Callable[[Images], tuple[Logits, Heatmaps]],
    images: ImageSet,
    batch: int,
    device: torch.device,
) -> HeatmapSet:
    """What ``mask`` says of every image of a set, a batch at a time; refuses NaN and infinity."""

    def looked(pixels: Images) -> tuple[Logits, Heatmaps]:
        return mask(sent(pixels, device))

    shards = images.batches(max(1, len(images)))
    logits, heatmaps = [], []
    batches = chain.from_iterable(batched(shard, batch, looked) for shard in shards)
    for said, seen in fetched(batches):
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
