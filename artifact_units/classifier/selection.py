"""Which generations a stage looks at, by rules that give every correction the same ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from artifact_units.errors import UserError
from artifact_units.files.tables import read_table


def read_labels(path: Path) -> dict[int, str]:
    """id -> label of the generations that may be looked at: all but the classifier's test split.

    The test split is looked at nowhere else, so that the reported accuracy stays honest.
    """
    table = read_table(path, "labels")
    rows = zip(*(table[name].to_pylist() for name in ("id", "label", "split")), strict=True)
    return {generation: label for generation, label, split in rows if split != "test"}


def labels_of(path: Path, ids: np.ndarray) -> dict[int, str]:
    """``read_labels``; a UserError where one of ``ids``, whose featuremaps are there, has none."""
    labels = read_labels(path)
    for generation in ids.tolist():
        if generation not in labels:
            raise UserError(
                f"{path}: has no label for generation {generation}; collect featuremaps again"
            )
    return labels


def labelled_ids(path: Path, images: int) -> np.ndarray:
    """The first ``images`` ids of each label of the table ``labels``, together in id order."""
    labels = read_labels(path)
    chosen: list[int] = []
    for label in ("artifact", "normal"):
        own = sorted(generation for generation, given in labels.items() if given == label)
        if not own:
            raise UserError(f"{path}: no generation outside the test split is {label}; label some")
        chosen += own[:images]
    return np.array(sorted(chosen), dtype=np.int64)
