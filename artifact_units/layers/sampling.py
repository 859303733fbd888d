"""Sets of images as parts: shards of generations, sampled one by one, each from its ids alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from artifact_units.files.parts import Part
from artifact_units.images.shards import SHARD, write_shard
from artifact_units.layers.generator import Generator
from artifact_units.layers.placing import sample
from artifact_units.shapes import Images

Ids = Sequence[int] | np.ndarray
Sampler = Callable[[Generator, Ids, int], Iterator[Images]]  # like ``compute.sample``


def sampled_parts(
    network: Callable[[], Generator],
    sets: Mapping[str, Ids],
    batch: int,
    samplers: Sequence[Sampler] = (sample,),
) -> list[Part]:
    """Image sets by name, once by each of ``samplers`` (a repeat each): a part a shard.

    ``network`` gives the generator; where no part has to be computed it is not asked.
    """
    return [
        Part(f"{name}/{number:05d}.parquet", partial(_write, network, batch, number, *shard))
        for name, ids in sets.items()
        for number, shard in enumerate(_shards(ids, samplers))
    ]


def _shards(ids: Ids, samplers: Sequence[Sampler]) -> list[tuple[int, Sampler, Ids]]:
    starts = range(0, len(ids), SHARD)
    return [
        (repeat, sampler, ids[start : start + SHARD])
        for repeat, sampler in enumerate(samplers)
        for start in starts
    ]


def _write(
    network: Callable[[], Generator],
    batch: int,
    number: int,
    repeat: int,
    sampler: Sampler,
    ids: Ids,
    path: Path,
) -> None:
    pixels = torch.cat(list(sampler(network(), ids, batch)))
    write_shard(path.parent, number, ids, pixels.numpy(), repeat)
