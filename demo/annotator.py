"""The simulated annotator: holds each generation against its clean twin, and errs at a rate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from artifact_units import compute
from artifact_units.generator import Generator
from artifact_units.images import ImageSet
from artifact_units.labels import Verdict
from artifact_units.shapes import Images, Masks
from artifact_units.tables import write_table
from demo.differences import areas, truth_masks

RATER = "simulated"


@dataclass(frozen=True)
class Compared:
    """Generations beside their clean twins: where they differ, and which are artifacts."""

    ids: np.ndarray
    clean: Images
    masks: Masks
    areas: np.ndarray  # float64 [image]: the part of the image that its mask covers
    artifact: np.ndarray  # bool [image]


def compared(
    broken: ImageSet, clean: Generator, batch: int, mask_difference: float, area: float
) -> Compared:
    """Hold a broken generator's images against the clean generator's of the same latents."""
    images = torch.cat(list(broken.batches(batch)))
    twins = torch.cat(list(compute.sample(clean, broken.ids, batch)))
    masks = truth_masks(images, twins, mask_difference)
    covered = areas(masks).numpy()
    return Compared(broken.ids, twins, masks, covered, covered > area)


def verdicts_of(seen: Compared, checkpoint: str, error_rate: float, seed: int) -> list[Verdict]:
    """A verdict a generation; whether it is wrong is drawn from (seed, id) and nothing else."""
    ids = seen.ids.tolist()
    wrong = [np.random.RandomState([seed, i]).random_sample() < error_rate for i in ids]
    said = seen.artifact ^ np.array(wrong)
    words = np.where(said, "artifact", "normal").tolist()
    return [Verdict(i, checkpoint, RATER, word) for i, word in zip(ids, words, strict=True)]


def write_truths(path: Path, seen: Compared) -> None:
    """Write the table of truths: what is an artifact, how much of it, and where."""
    columns = {
        "id": seen.ids,
        "artifact": seen.artifact,
        "area": seen.areas,
        "mask": [np.packbits(mask).tobytes() for mask in seen.masks.numpy()],
    }
    write_table(path, "truths", columns, {"px": str(seen.masks.shape[-1])})
