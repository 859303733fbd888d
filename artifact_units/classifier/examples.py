"""What the classifier is trained on: labelled generations and real images, with their splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from artifact_units.errors import UserError
from artifact_units.images.image_sets import ImageSet, check_alike, resized
from artifact_units.labels.splits import SPLITS, stratified
from artifact_units.labels.verdicts import CLASSES
from artifact_units.shapes import Images

READ = 256  # images resized at once


@dataclass(frozen=True)
class Examples:
    """Images at the classifier's size with their class (index into ``CLASSES``) and split."""

    pixels: Images
    classes: Tensor  # int64 [image]
    splits: np.ndarray  # str [image]

    def rows(self, split: str) -> Tensor:
        """The rows of one split, int64."""
        return torch.from_numpy(np.flatnonzero(self.splits == split))


def examples_of(
    labels: pa.Table, generations: ImageSet, reals: ImageSet, number: int, px: int, folder: Path
) -> Examples:
    """The labelled generations and the first ``number`` real images, split in the same shares.

    The images lie in an unnamed file in ``folder``, mapped into memory: however many there are,
    the system may drop them from memory, and nothing is left of the file afterwards.
    """
    check_alike(reals, generations)
    if len(reals) < number:
        raise UserError(
            f"{reals.folder}: holds {len(reals)} images, train_classifier.reals is {number}"
        )
    ids, names = labels["id"].to_numpy(), labels["label"].to_pylist() + ["real"] * number
    splits = labels["split"].to_pylist()
    shares = {name: splits.count(name) / max(1, len(splits)) for name in SPLITS[1:]}
    real_ids = reals.ids[:number]
    splits += stratified(real_ids, ["real"] * number, **shares, seed=0)
    pixels = _mapped(len(names), px, folder)
    _fill(pixels[: len(ids)], generations, ids)
    _fill(pixels[len(ids) :], reals, real_ids)
    examples = Examples(pixels, torch.tensor([CLASSES.index(n) for n in names]), np.array(splits))
    _check(examples)
    return examples


def _check(examples: Examples) -> None:
    for split in SPLITS:
        present = set(examples.classes[examples.rows(split)].tolist())
        absent = [name for index, name in enumerate(CLASSES) if index not in present]
        if absent:
            raise UserError(
                f"the split {split} holds no {absent[0]} image; "
                f"label more, or change label_generations.{SPLITS[1]} and .{SPLITS[2]}"
            )


def _mapped(images: int, px: int, folder: Path) -> Images:
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder) as file:
        for _ in range(images):  # written, not left sparse: a full disk is an error here
            file.write(bytes(3 * px * px))
        file.flush()
        return torch.from_numpy(np.memmap(file, np.uint8, "r+", shape=(images, 3, px, px)))


def _fill(pixels: Images, images: ImageSet, ids: Sequence[int] | np.ndarray) -> None:
    row_of = {int(i): row for row, i in enumerate(ids)}
    strangers = row_of.keys() - set(images.ids.tolist())
    if strangers:
        raise UserError(
            f"{images.folder}: holds no generation {min(strangers)}; it has {len(images)} images"
        )
    start = 0
    for batch in images.batches(READ):
        here = [row_of.get(int(i), -1) for i in images.ids[start : start + len(batch)]]
        wanted = torch.tensor(here) >= 0
        pixels[torch.tensor(here)[wanted]] = resized(batch[wanted], pixels.shape[-1])
        start += len(batch)
