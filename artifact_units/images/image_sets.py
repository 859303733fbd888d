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
from artifact_units.files.tables import metadata_of, read_table
from artifact_units.images.shards import SHARD, read_shard, shards_of, write_shard
from artifact_units.shapes import Images, RawImages


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
    sizes: Sequence[int]  # images of each shard

    def __len__(self) -> int:
        return len(self.ids)

    def batches(self, size: int) -> Iterator[Images]:
        """All images in order, at most ``size`` at once; one shard in memory at a time."""
        for shard in shards_of(self.folder):
            pixels = torch.from_numpy(read_shard(shard))
            yield from pixels.split(size)

    def take(self, ids: Sequence[int] | np.ndarray, repeat: int = 0) -> Images:
        """The images of ``ids`` in that order, ``[len(ids), 3, px, px]``; their shards are read."""
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
        for shard, images in zip(shards_of(self.folder), self.sizes, strict=True):
            here = (wanted >= start) & (wanted < start + images)
            if here.any():
                pixels = torch.from_numpy(read_shard(shard))
                rows = torch.from_numpy(wanted[here] - start)
                out[torch.from_numpy(np.flatnonzero(here))] = pixels[rows]
            start += images
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
            write_shard(folder, first, ids[done : done + SHARD], pixels[:SHARD].numpy(), repeat)
            waiting, done, first = [pixels[SHARD:]], done + SHARD, first + 1
    pixels = torch.cat(waiting) if waiting else torch.zeros(0)
    if len(pixels):
        write_shard(folder, first, ids[done:], pixels.numpy(), repeat)
        first += 1
    return first


def open_images(folder: Path) -> ImageSet:
    """The image set in a folder of shards."""
    shards = shards_of(folder)
    if not shards:
        raise UserError(f"{folder}: holds no image shard (00000.parquet ...)")
    tables = [read_table(shard, "images", ["id", "repeat"]) for shard in shards]
    return ImageSet(
        folder=folder,
        px=int(metadata_of(tables[0])["px"]),
        ids=np.concatenate([t["id"].to_numpy() for t in tables]),
        repeats=np.concatenate([t["repeat"].to_numpy() for t in tables]),
        sizes=[len(t) for t in tables],
    )


def check_alike(reals: ImageSet, generations: ImageSet) -> None:
    """A UserError where real images are not of the generations' size: they would be told apart."""
    if reals.px != generations.px:
        raise UserError(
            f"{reals.folder}: images of {reals.px} px, the generations have {generations.px}; "
            f"set read_reals.px to {generations.px}"
        )
