"""Features of images, whatever extractor makes them: computed by batches, kept in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from artifact_units.errors import UserError
from artifact_units.images import SHARD, ImageSet
from artifact_units.shapes import Features, Images, Reals
from artifact_units.tables import metadata_of, read_table, write_parts


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


def write_features(
    path: Path, extractor: Extractor, sets: Sequence[ImageSet], batch: int, first: int | None = None
) -> int:
    """Extract ``sets`` one after the other into one table; one shard in memory at a time.

    ``first``: only so many images of each set, which must have them. Returns how many there were.
    A feature that is not finite is a UserError that names its image.
    """
    for images in sets:
        if first is not None and len(images) < first:
            raise UserError(
                f"{images.folder}: {len(images)} images, {first} are asked for; "
                "add some, or lower extract_features.reals"
            )
    parts = chain.from_iterable(_parts(extractor, images, batch, first) for images in sets)
    write_parts(path, "features", parts, {"extractor": extractor.name, "dim": str(extractor.dim)})
    return sum(len(images) if first is None else first for images in sets)


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


def _parts(
    extractor: Extractor, images: ImageSet, batch: int, first: int | None
) -> Iterator[dict[str, Any]]:
    done, end = 0, len(images) if first is None else first
    for shard in images.batches(SHARD):
        if done == end:
            return
        pixels = shard[: end - done]
        rows = slice(done, done + len(pixels))
        done = rows.stop
        ids = images.ids[rows]
        features = torch.cat([extractor.extract(b).float().cpu() for b in pixels.split(batch)])
        check_finite(features, lambda row, ids=ids: f"{images.folder}: image {ids[row]}")
        yield {"id": ids, "repeat": images.repeats[rows], "features": list(features.numpy())}
