"""Extracting features: computed by batches, shard by shard of the images, put into one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from artifact_units.computing.batches import batched
from artifact_units.computing.transfers import fetched
from artifact_units.errors import UserError
from artifact_units.files.parts import Part, each
from artifact_units.files.tables import read_table, write_parts, write_table
from artifact_units.images.features import Extractor, check_finite
from artifact_units.images.image_sets import ImageSet
from artifact_units.images.shards import read_shard, shards_of


def write_features(
    path: Path,
    extractor: Extractor,
    sets: Sequence[ImageSet],
    batch: int,
    first: int | None = None,
    done: Path | None = None,
) -> int:
    """Extract ``sets`` one after the other into one table; one shard in memory at a time.

    ``first``: only so many images of each set, which must have them. Parts that are finished in
    ``done`` are taken from there. Returns how many images there were. A feature that is not finite
    is a UserError that names its image.
    """
    parts = feature_parts(path.stem, extractor, sets, batch, first)
    notes = {"extractor": extractor.name, "dim": str(extractor.dim)}
    write_parts(path, "features", map(_columns, each(parts, path, done)), notes)
    return sum(len(images) if first is None else first for images in sets)


def feature_parts(
    name: str,
    extractor: Extractor,
    sets: Sequence[ImageSet],
    batch: int,
    first: int | None = None,
) -> list[Part]:
    """The table ``name`` in parts: a table of features for each shard of images."""
    parts = []
    for place, images in enumerate(sets):
        if first is not None and len(images) < first:
            raise UserError(
                f"{images.folder}: {len(images)} images, {first} are asked for; "
                "add some, or lower extract_features.reals"
            )
        for shard, rows in _shards(images, len(images) if first is None else first):
            write = partial(_extract, extractor, shard, rows, batch)
            parts.append(Part(f"{name}/{place}-{shard.name}", write))
    return parts


def _shards(images: ImageSet, wanted: int) -> Iterator[tuple[Path, int]]:
    """The shards that hold the first ``wanted`` images, and how many of each are wanted."""
    for shard in shards_of(images.folder):
        if wanted <= 0:
            return
        rows = min(wanted, len(read_table(shard, "images", ["id"])))
        yield shard, rows
        wanted -= rows


def _extract(extractor: Extractor, shard: Path, rows: int, batch: int, path: Path) -> None:
    table = read_table(shard, "images", ["id", "repeat"])
    ids = table["id"].to_numpy()
    pixels = torch.from_numpy(read_shard(shard))[:rows]
    work = batched(pixels, batch, lambda images: extractor.extract(images).float())
    features = torch.cat(list(fetched(work)))
    check_finite(features, lambda row: f"{shard.parent}: image {ids[row]}")
    columns = {"id": ids[:rows], "repeat": table["repeat"].to_numpy()[:rows]}
    write_table(path, "features", columns | {"features": list(features.numpy())})


def _columns(path: Path) -> dict[str, Any]:
    table = read_table(path, "features")
    return {name: table[name].combine_chunks() for name in table.schema.names}
