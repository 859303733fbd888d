"""The files of an image set: ``00000.parquet`` ... of at most ``SHARD`` images each, lossless."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from artifact_units.errors import UserError
from artifact_units.files.tables import metadata_of, read_table, write_table

SHARD = 1000  # images a shard
Pixels = UInt8[np.ndarray, "batch 3 height width"]  # byte range, 0..255


def shards_of(folder: Path) -> list[Path]:
    """The shards in a folder, in order; none where it is no image set."""
    return sorted(folder.glob("[0-9]*.parquet"))


def read_shard(shard: Path) -> Pixels:
    """Every image of a shard, square, writable."""
    table = read_table(shard, "images")
    try:
        px = int(metadata_of(table)["px"])
        pixels = np.frombuffer(b"".join(table["image"].to_pylist()), np.uint8)
        return pixels.reshape(len(table), 3, px, px).copy()
    except (KeyError, ValueError, TypeError):
        raise UserError(f"{shard}: its images are not of the size it names; make it anew") from None


def write_shard(
    folder: Path, number: int, ids: Sequence[int] | np.ndarray, pixels: Pixels, repeat: int = 0
) -> None:
    """Write shard ``number`` of a set: one square image an id."""
    if len(ids) != len(pixels):
        raise ValueError(f"{len(ids)} ids for {len(pixels)} images")
    columns = {
        "id": np.asarray(ids, np.int64),
        "repeat": np.full(len(ids), repeat, np.int16),
        "image": [image.tobytes() for image in pixels],
    }
    write_table(folder / f"{number:05d}.parquet", "images", columns, {"px": str(pixels.shape[-1])})
