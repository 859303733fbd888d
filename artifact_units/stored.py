"""Tensors of many images, whose values are read or made when, and as far as, they are needed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.utils._pytree import tree_map_only

from artifact_units.compute import filled
from artifact_units.errors import UserError
from artifact_units.shapes import Featuremaps
from artifact_units.transfers import sent

aten = torch.ops.aten
VALUES = 2**20  # in memory at once where nobody says how many


class Streamed(Tensor):
    """Images that are not in memory, like any tensor to whoever takes one.

    ``values[rows]`` and ``values[3:5]`` choose images, and read nothing; ``in_parts`` and a mean
    over axes 2 and 3 have a few images in memory at a time. For anything else the whole is read,
    once, and kept.
    """

    read: Tensor | None

    @classmethod
    def _of(cls, size: Sequence[int], dtype: torch.dtype, device: torch.device) -> Any:
        self = Tensor._make_wrapper_subclass(cls, size, dtype=dtype, device=device)
        self.read = None
        return self

    @abstractmethod
    def rows(self, rows: Tensor) -> Streamed:
        """The images of these rows (or where True); none is read."""

    @abstractmethod
    def parts(self, images: int) -> Iterator[Tensor]:
        """At most so many images at a time, in order; none is kept."""

    def means(self, dtype: torch.dtype | None = None) -> Tensor:
        """The mean over axes 2 and 3, ``[image, unit]``."""
        found = torch.empty(self.shape[:2], dtype=dtype or self.dtype, device=self.device)
        return filled(found, (part.mean((2, 3), dtype=dtype) for part in in_parts(self)))

    def whole(self) -> Tensor:
        """All of it, in memory."""
        if self.read is None:
            room = torch.empty(self.shape, dtype=self.dtype, device=self.device)
            self.read = filled(room, in_parts(self))
        return self.read

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is aten.index.Tensor and len(args[1]) == 1:
            return args[0].rows(args[1][0])
        if func is aten.slice.Tensor and args[1:2] == (0,) and len(args) == 4:
            return args[0].rows(torch.arange(len(args[0]))[args[2] : args[3]])
        if func is aten.mean.dim and len(args) == 2 and sorted(args[1]) == [2, 3]:
            return args[0].means(kwargs.get("dtype"))
        args, kwargs = tree_map_only(Streamed, lambda x: x.whole(), (args, kwargs))
        return func(*args, **kwargs)


@dataclass(frozen=True)
class _Source:
    shards: Sequence[Path]
    layer: str
    places: np.ndarray  # int64 [image, 2]: which shard, which row of it
    units: Tensor | None = None  # those that are looked at; all


class StoredFeaturemaps(Streamed):
    """One layer's collected featuremaps, float16 ``[image, unit, row, col]``, on the disk.

    ``maps[:, units]`` with a list of units reads nothing either.
    """

    source: _Source

    @classmethod
    def of(cls, source: _Source, grid: Sequence[int], device: torch.device) -> StoredFeaturemaps:
        """The images of ``source``; ``grid`` is units, rows, columns."""
        self = cls._of((len(source.places), *grid), torch.float16, device)
        self.source = source
        return self

    def rows(self, rows: Tensor) -> StoredFeaturemaps:
        """The images of these rows (or where True); none is read."""
        source = replace(self.source, places=self.source.places[rows.cpu().numpy()])
        return StoredFeaturemaps.of(source, self.shape[1:], self.device)

    def units(self, units: Tensor) -> StoredFeaturemaps:
        """These units, by number, of every image; none is read."""
        chosen = units.cpu() if self.source.units is None else self.source.units[units.cpu()]
        grid = (len(units), *self.shape[2:])
        return StoredFeaturemaps.of(replace(self.source, units=chosen), grid, self.device)

    def parts(self, images: int) -> Iterator[Featuremaps]:
        """At most so many images at a time, in order; none is kept."""
        places = self.source.places
        for run in np.split(places, np.flatnonzero(np.diff(places[:, 0])) + 1):
            for start in range(0, len(run), images):
                yield self._read(run[start : start + images])

    def _read(self, places: np.ndarray) -> Featuremaps:
        rows, units = places[:, 1], self.source.units
        first, last = int(rows.min()), int(rows.max())
        with _opened(self.source.shards[places[0, 0]]) as file:
            values = file.get_slice(self.source.layer)
            if units is None or not len(units):
                span = values[first : last + 1]
            else:
                low, high = int(units.min()), int(units.max())
                span, units = values[first : last + 1, low : high + 1], units - low
        chosen = span[torch.from_numpy(rows - first)]
        return sent(chosen if units is None else chosen[:, units], self.device)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is aten.index.Tensor and len(args[1]) == 2 and args[1][0] is None:
            return args[0].units(args[1][1])
        return super().__torch_dispatch__(func, types, args, kwargs)


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


def in_parts(values: Tensor, images: int = 0) -> Iterator[Tensor]:
    """Some of the images at a time, in order: at most so many, or what is usually read at once."""
    most = images or max(1, VALUES // max(1, values.shape[1:].numel()))
    yield from values.parts(most) if isinstance(values, Streamed) else values.split(most)


def whole(values: Tensor) -> Tensor:
    """All of it, in memory; a tensor as it is."""
    return values.whole() if isinstance(values, Streamed) else values


@contextmanager
def _opened(shard: Path) -> Iterator[Any]:
    try:
        with safe_open(shard, framework="pt") as file:
            yield file
    except SafetensorError as error:
        raise UserError(f"{shard}: {error}; run collect_featuremaps again") from None
