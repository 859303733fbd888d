"""Features of images, whatever extractor made them, as the table that they are kept in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from artifact_units.errors import UserError
from artifact_units.files.tables import metadata_of, read_table
from artifact_units.shapes import Features, Images, Reals


@dataclass(frozen=True)
class Extractor:
    """A frozen network: uint8 images ``[batch, 3, h, w]`` -> float32 features ``[batch, dim]``.

    ``extract`` moves the images to its own device.
    """

    name: str  # goes into metric names: frechet_<name>; Inception's is fid
    dim: int
    extract: Callable[[Images], Features]


@dataclass(frozen=True)
class FeatureSet:
    """A table of features: ``ids`` int64 ``[image]``, ``repeats`` int16 ``[image]``."""

    path: Path
    extractor: str
    ids: np.ndarray
    repeats: np.ndarray
    features: Features  # [image, feature]

    def take(self, ids: Sequence[int] | np.ndarray, repeat: int = 0) -> Features:
        """The features of ``ids`` in that order, ``[len(ids), feature]``."""
        keys = zip(self.ids.tolist(), self.repeats.tolist(), strict=True)
        place = {key: row for row, key in enumerate(keys)}
        wanted = [(int(i), repeat) for i in ids]
        missing = [key for key in wanted if key not in place]
        if missing:
            raise UserError(
                f"{self.path}: holds no generation {missing[0][0]} (repeat {repeat}); make it anew"
            )
        return self.features[[place[key] for key in wanted]]


def read_features(path: Path) -> FeatureSet:
    """The table of features at ``path``, all of it in memory."""
    table = read_table(path, "features")
    notes = metadata_of(table)
    flat = table["features"].combine_chunks().flatten().to_numpy()
    return FeatureSet(
        path=path,
        extractor=notes["extractor"],
        ids=table["id"].to_numpy(),
        repeats=table["repeat"].to_numpy(),
        features=torch.from_numpy(flat.reshape(len(table), int(notes["dim"])).copy()),
    )


def check_finite(features: Features, name: Callable[[int], str]) -> None:
    """A UserError with ``name(row)`` of the first image whose features are not all finite."""
    bad = (~features.isfinite().all(dim=1)).nonzero().flatten()
    if len(bad):
        raise UserError(
            f"{name(int(bad[0]))} has features that are not finite ({len(bad)} of {len(features)} "
            f"images); look at it, or use another extractor"
        )


def check_enough(metric: str, real: Reals, generated: Features, least: tuple[int, int]) -> None:
    """A UserError where there are fewer real or generated images than ``least``, or NaN in one."""
    if len(real) < least[0] or len(generated) < least[1]:
        raise UserError(
            f"{metric} needs at least {least[0]} real and {least[1]} generated images; "
            f"there are {len(real)} and {len(generated)}"
        )
    check_finite(real, lambda row: f"{metric}: real image {row}")
    check_finite(generated, lambda row: f"{metric}: generated image {row}")
