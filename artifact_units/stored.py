"""Featuremaps that stay on the disk: a tensor whose values are read when, and as far as, needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.utils._pytree import tree_map

from artifact_units.errors import UserError
from artifact_units.shapes import Featuremaps

aten = torch.ops.aten
VALUES = 2**20  # read at once where nobody says how many


@dataclass(frozen=True)
class _Source:
    shards: Sequence[Path]
    layer: str
    places: np.ndarray  # int64 [image, 2]: which shard, which row of it


class StoredFeaturemaps(Tensor):
    """One layer's collected featuremaps, float16 ``[image, unit, row, col]``, like any tensor.

    ``maps[rows]`` chooses images and reads nothing; ``in_parts`` and a mean over rows and columns
    read a few images at a time. For anything else the whole is read, once, and kept.
    """

    source: _Source
    read: Tensor | None

    @classmethod
    def of(cls, source: _Source, grid: Sequence[int], device: torch.device) -> StoredFeaturemaps:
        """The images of ``source``; ``grid`` is units, rows, columns."""
        size = (len(source.places), *grid)
        self = Tensor._make_wrapper_subclass(cls, size, dtype=torch.float16, device=device)
        self.source, self.read = source, None
        return self

    def rows(self, rows: Tensor) -> StoredFeaturemaps:
        """The images of these rows (or where True); none is read."""
        places = self.source.places[rows.cpu().numpy()]
        source = _Source(self.source.shards, self.source.layer, places)
        return StoredFeaturemaps.of(source, self.shape[1:], self.device)

    def parts(self, images: int) -> Iterator[Featuremaps]:
        """At most so many images at a time, in order; none is kept."""
        places = self.source.places
        for run in np.split(places, np.flatnonzero(np.diff(places[:, 0])) + 1):
            for start in range(0, len(run), images):
                yield self._read(run[start : start + images])

    def means(self, dtype: torch.dtype | None = None) -> Tensor:
        """The mean over rows and columns, ``[image, unit]``."""
        found = torch.empty(self.shape[:2], dtype=dtype or self.dtype, device=self.device)
        start = 0
        for part in self.parts(max(1, VALUES // self.shape[1:].numel())):
            # Into one tensor: small ones kept between large ones would split the heap.
            found[start : start + len(part)] = part.mean((2, 3), dtype=dtype)
            start += len(part)
        return found

    def whole(self) -> Featuremaps:
        """All of it, in memory."""
        if self.read is None:
            # Of no image: what the shape is where there are no parts.
            none = torch.empty((0, *self.shape[1:]), dtype=self.dtype, device=self.device)
            self.read = torch.cat([none, *self.parts(len(self) or 1)])
        return self.read

    def _read(self, places: np.ndarray) -> Featuremaps:
        rows = places[:, 1]
        first, last = int(rows.min()), int(rows.max())
        with _opened(self.source.shards[places[0, 0]]) as file:
            span = file.get_slice(self.source.layer)[first : last + 1]
        return span[torch.from_numpy(rows - first)].to(self.device)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is aten.index.Tensor and len(args[1]) == 1:
            return args[0].rows(args[1][0])
        if func is aten.mean.dim and len(args) == 2 and sorted(args[1]) == [2, 3]:
            return args[0].means(kwargs.get("dtype"))
        args, kwargs = tree_map(lambda x: x.whole() if isinstance(x, cls) else x, (args, kwargs))
        return func(*args, **kwargs)


def open_featuremaps(folder: Path, layer: str, device: torch.device) -> StoredFeaturemaps:
    """One layer of a folder of shards, in the order of ``read_ids``."""
    shards = sorted(folder.glob("[0-9]*.safetensors"))
    if not shards:
        raise UserError(f"{folder}: holds no featuremaps (00000.safetensors ...)")
    shapes = []
    for shard in shards:
        with _opened(shard) as file:
            shapes.append(file.get_slice(layer).get_shape())
    places = [(shard, row) for shard, shape in enumerate(shapes) for row in range(shape[0])]
    source = _Source(shards, layer, np.array(places, np.int64).reshape(-1, 2))
    return StoredFeaturemaps.of(source, shapes[0][1:], device)


def in_parts(maps: Featuremaps, images: int) -> Iterator[Featuremaps]:
    """Some of the images at a time, at most so many, in order."""
    yield from maps.parts(images) if isinstance(maps, StoredFeaturemaps) else maps.split(images)


@contextmanager
def _opened(shard: Path) -> Iterator[Any]:
    try:
        with safe_open(shard, framework="pt") as file:
            yield file
    except SafetensorError as error:
        raise UserError(f"{shard}: {error}; run collect_featuremaps again") from None
