"""A small labelling problem."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from artifact_units.images.shards import write_shard

PX = 16


def write_problem(folder: Path, count: int = 40, first: int = 0) -> None:
    """``generator.bin`` and an image set ``images`` of ``count`` generations."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "generator.bin").write_bytes(b"weights")
    pixels = np.random.default_rng(0).integers(0, 256, (count, 3, PX, PX), np.uint8)
    write_shard(folder / "images", 0, range(first, first + count), pixels)


def lines(path: Path) -> list[dict]:
    """The records of a labels file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
