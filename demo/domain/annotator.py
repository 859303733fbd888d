"""The simulated annotator: holds each generation against its clean twin, and errs at a rate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from artifact_units.files.tables import write_table
from artifact_units.images.image_sets import ImageSet
from artifact_units.labels.verdicts import Verdict
from artifact_units.shapes import Images
from demo.domain.differences import areas, truth_masks

RATER = "simulated"


@dataclass(frozen=True)
class Compared:
    """Generations held against their clean twins: where they differ, and which are artifacts."""

    ids: np.ndarray
    px: int
    masks: np.ndarray  # uint8 [image, byte]: np.packbits of each mask
    areas: np.ndarray  # float64 [image]: the part of the image that its mask covers
    artifact: np.ndarray  # bool [image]


def compared(
    broken: ImageSet, twins: Iterable[Images], mask_difference: float, area: float
) -> Compared:
    """Hold a broken generator's images against the clean one's, which come in the same order.

    No more of either are in memory at once than a batch of twins and a shard.
    """
    images = broken.batches(1)
    masks = np.zeros((len(broken), -(-(broken.px**2) // 8)), np.uint8)
    covered = np.zeros(len(broken))
    done = 0
    for clean in twins:
        here = slice(done, done + len(clean))
        beside = torch.cat(list(islice(images, len(clean))))
        found = truth_masks(beside, clean, mask_difference)
        masks[here] = np.packbits(found.flatten(1).numpy(), axis=1)
        covered[here] = areas(found).numpy()
        done = here.stop
    return Compared(broken.ids, broken.px, masks, covered, covered > area)


def verdicts_of(
    ids: np.ndarray, artifact: np.ndarray, checkpoint: str, error_rate: float, seed: int
) -> list[Verdict]:
    """A verdict a generation; whether it is wrong is drawn from (seed, id) and nothing else."""
    wrong = [np.random.RandomState([seed, i]).random_sample() < error_rate for i in ids.tolist()]
    words = np.where(artifact ^ np.array(wrong), "artifact", "normal").tolist()
    return [Verdict(i, checkpoint, RATER, w) for i, w in zip(ids.tolist(), words, strict=True)]


def write_truths(path: Path, seen: Compared) -> None:
    """Write the table of truths: what is an artifact, how much of it, and where."""
    columns = {
        "id": seen.ids,
        "artifact": seen.artifact,
        "area": seen.areas,
        "mask": [mask.tobytes() for mask in seen.masks],
    }
    write_table(path, "truths", columns, {"px": str(seen.px)})
