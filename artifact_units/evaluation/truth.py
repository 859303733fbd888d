"""The truth about a generator, where it is known: its defective units, its clean images, masks.

Only the evaluation and the report may read it. A truth folder holds ``units.json``; another folder
is no truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from artifact_units.errors import UserError
from artifact_units.files.json_text import parsed
from artifact_units.files.storage import read_text
from artifact_units.files.tables import metadata_of, read_table
from artifact_units.images.image_sets import ImageSet, open_images
from artifact_units.shapes import Masks


@dataclass(frozen=True)
class Truth:
    """A truth folder: what is small is read, the rest on demand."""

    folder: Path
    units: dict[str, list[int]]  # layer -> its defective units

    @property
    def clean(self) -> ImageSet:
        """The held-out generations as the clean generator makes them."""
        return open_images(self.folder / "clean")

    @property
    def reference(self) -> ImageSet:
        """The clean generator's generations of other latents."""
        return open_images(self.folder / "reference")

    def heldout(self, ids: Sequence[int] | np.ndarray) -> tuple[np.ndarray, Masks]:
        """Of held-out ``ids``, in that order: is it an artifact, and where."""
        path = self.folder / "heldout.parquet"
        table = read_table(path, "truths")
        place = {i: row for row, i in enumerate(table["id"].to_pylist())}
        missing = [int(i) for i in ids if int(i) not in place]
        if missing:
            raise UserError(f"{path}: holds no generation {missing[0]}; make it anew")
        table = table.take([place[int(i)] for i in ids])
        px = int(metadata_of(table)["px"])
        packed = np.frombuffer(b"".join(table["mask"].to_pylist()), np.uint8)
        bits = np.unpackbits(packed.reshape(len(table), -1), axis=1, count=px * px)
        masks = torch.from_numpy(bits.astype(bool).reshape(-1, px, px))
        return table["artifact"].to_numpy(), masks


def open_truth(folder: Path) -> Truth | None:
    """The truth in a folder, None where the folder holds none."""
    path = folder / "units.json"
    if not path.is_file():
        return None
    try:
        units = parsed(read_text(path))
    except ValueError:
        units = None
    if not isinstance(units, dict):
        raise UserError(f"{path}: not readable as units by layer; make it anew")
    return Truth(folder, units)


def average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    """Mean over the positives of the precision down to each, higher scores first.

    Of equal scores, what a random order of them can expect: each place in a tie of m, p of them
    true, is true with chance p / m, and then each place before it with (p - 1) / (m - 1).
    """
    _, tie, sizes = np.unique(-scores, return_inverse=True, return_counts=True)
    true = np.bincount(tie, weights=positive)
    total = 0.0
    for size, own, start, hits in zip(
        sizes, true, np.cumsum(sizes) - sizes, np.cumsum(true) - true, strict=True
    ):
        before = np.arange(size)  # places of the tie before each
        expected = hits + 1 + before * (own - 1) / max(size - 1, 1)
        total += own / size * np.sum(expected / (start + before + 1))
    return float(total / true.sum())


def chance_precision(units: int, positives: int) -> float:
    """Average precision of ``units`` that are all equal, ``positives`` of them true."""
    return average_precision(np.zeros(units), np.arange(units) < positives)


def intersection_over_union(masks: Masks, others: Masks) -> np.ndarray:
    """Of each pair of masks, float64 ``[image]``; 0 where both are empty."""
    both = (masks & others).sum(dim=(1, 2)).double()
    either = (masks | others).sum(dim=(1, 2)).clamp(min=1)
    return (both / either).numpy()
