"""Ranges of pixels by name, and sets of images as lossless Parquet shards.

signed: a generator's raw output, nominally [-1, 1]; unit: [0, 1]; byte: uint8. Converted here
and nowhere else. A set of images is a folder of ``00000.parquet`` ... shards, in id order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn import functional as F

from artifact_units.errors import UserError
from artifact_units.shapes import Images, RawImages
from artifact_units.tables import metadata_of, read_table, write_table

SHARD = 1000  # images a shard


def byte_from_signed(images: RawImages) -> Images:
    """[-1, 1] -> 0..255, clamped and rounded half to even: what a viewer of the image sees."""
    return images.clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)


def unit_from_byte(images: Images) -> Tensor:
    """0..255 -> float [0, 1]."""
    return images.float().div(255)


def resized(images: Images, px: int) -> UInt8[Tensor, "batch 3 {px} {px}"]:
    """The whole image at ``px`` by ``px``: bilinear, antialiased, rounded to bytes again."""
    if images.shape[-2:] == (px, px):
        return images
    small = F.interpolate(images.float(), size=(px, px), mode="bilinear", antialias=True)
    return small.round().clamp(0, 255).to(torch.uint8)


@dataclass(frozen=True)
class ImageSet:
    """Images on disk: ``ids`` int64 ``[image]``, ``repeats`` int16 ``[image]``, read by batches."""

    folder: Path
    px: int
    ids: np.ndarray
    repeats: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def batches(self, size: int) -> Iterator[Images]:
        """All images in order, at most ``size`` at once; one shard in memory at a time."""
        for shard in _shards(self.folder):
            pixels = _pixels(shard, self.px)
            yield from pixels.split(size)

    def take(self, ids: Sequence[int] | np.ndarray, repeat: int = 0) -> Images:
        """The images of ``ids`` in that order, ``[len(ids), 3, px, px]``."""
        place = {
            (int(i), int(r)): n for n, (i, r) in enumerate(zip(self.ids, self.repeats, strict=True))
        }
        missing = [int(i) for i in ids if (int(i), repeat) not in place]
        if missing:
            raise UserError(
                f"{self.folder}: holds no generation {missing[0]}; it has {len(self)} images"
            )
        wanted = np.array([place[int(i), repeat] for i in ids], dtype=np.int64)
        out = torch.zeros(len(wanted), 3, self.px, self.px, dtype=torch.uint8)
        start = 0
        for shard in _shards(self.folder):
            pixels = _pixels(shard, self.px)
            here = (wanted >= start) & (wanted < start + len(pixels))
            out[torch.from_numpy(np.flatnonzero(here))] = pixels[
                torch.from_numpy(wanted[here] - start)
            ]
            start += len(pixels)
        return out


def write_images(
    folder: Path,
    ids: Sequence[int] | np.ndarray,
    batches: Iterator[Images],
    repeat: int = 0,
    first: int = 0,
) -> int:
    """Write ``batches`` (uint8, together one image an id) as shards numbered from ``first``.

    The shards depend on the images and their order alone, not on how they were batched.
    Returns the number of the next free shard.
    """
    folder.mkdir(parents=True, exist_ok=True)
    waiting: list[Tensor] = []
    done = 0
    for batch in batches:
        waiting.append(batch.cpu())
        while sum(map(len, waiting)) >= SHARD:
            pixels = torch.cat(waiting)
            _write_shard(folder, first, ids[done : done + SHARD], pixels[:SHARD], repeat)
            waiting, done, first = [pixels[SHARD:]], done + SHARD, first + 1
    pixels = torch.cat(waiting) if waiting else torch.zeros(0)
    if len(pixels):
        _write_shard(folder, first, ids[done:], pixels, repeat)
        first += 1
    return first


def open_images(folder: Path) -> ImageSet:
    """The image set in a folder of shards."""
    shards = _shards(folder)
    if not shards:
        raise UserError(f"{folder}: holds no image shard (00000.parquet ...)")
    tables = [read_table(shard, "images", ["id", "repeat"]) for shard in shards]
    return ImageSet(
        folder=folder,
        px=int(metadata_of(tables[0])["px"]),
        ids=np.concatenate([t["id"].to_numpy() for t in tables]),
        repeats=np.concatenate([t["repeat"].to_numpy() for t in tables]),
    )


def _shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9]*.parquet"))


def _pixels(shard: Path, px: int) -> Images:
    rows = read_table(shard, "images", ["image"])["image"].to_pylist()
    table = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 3, px, px)
    return torch.from_numpy(table.copy())


def _write_shard(
    folder: Path, number: int, ids: Sequence[int] | np.ndarray, pixels: Images, repeat: int
) -> None:
    if len(ids) != len(pixels):
        raise ValueError(f"{len(ids)} ids for {len(pixels)} images")
    columns = {
        "id": np.asarray(ids, np.int64),
        "repeat": np.full(len(ids), repeat, np.int16),
        "image": [image.tobytes() for image in pixels.numpy()],
    }
    write_table(folder / f"{number:05d}.parquet", "images", columns, {"px": str(pixels.shape[-1])})
