"""Featuremaps in half precision, as they were collected; read when, and as far as, they are needed.

A set of featuremaps is a folder of safetensors shards, 200 generations each, in id order: ``ids``
(int64 ``[image]``) and one float16 tensor ``[image, unit, row, col]`` a layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from artifact_units.computing.stored import Streamed
from artifact_units.computing.transfers import sent
from artifact_units.errors import UserError
from artifact_units.shapes import Featuremaps

aten = torch.ops.aten


@dataclass(frozen=True)
class _Source:
    shards: Sequence[Path]
    layer: str
    places: np.ndarray  # int64 [image, 2]: which shard, which row of it
    units: np.ndarray  # int64 [unit]: those that are looked at


class StoredFeaturemaps(Streamed):
    """One layer's collected featuremaps, float16 ``[image, unit, row, col]``, on the disk.

    ``maps[:, units]`` with a list of units reads nothing either.
    """

    source: _Source

    @classmethod
    def of(cls, source: _Source, grid: Sequence[int], device: torch.device) -> StoredFeaturemaps:
        """The images and units of ``source``; ``grid`` is rows, columns."""
        size = (len(source.places), len(source.units), *grid)
        self = cls._of(size, torch.float16, device)
        self.source = source
        return self

    def rows(self, rows: Tensor) -> StoredFeaturemaps:
        """The images of these rows (or where True); none is read."""
        source = replace(self.source, places=self.source.places[rows.cpu().numpy()])
        return StoredFeaturemaps.of(source, self.shape[2:], self.device)

    def units(self, units: Tensor) -> StoredFeaturemaps:
        """These units (or where True) of every image; none is read."""
        source = replace(self.source, units=self.source.units[units.cpu().numpy()])
        return StoredFeaturemaps.of(source, self.shape[2:], self.device)

    def parts(self, images: int) -> Iterator[Featuremaps]:
        """At most so many images at a time, in order; none is kept."""
        places = self.source.places
        for run in np.split(places, np.flatnonzero(np.diff(places[:, 0])) + 1):
            for start in range(0, len(run), images):
                yield self._read(run[start : start + images])

    def _read(self, places: np.ndarray) -> Featuremaps:
        rows = places[:, 1]
        first, last = int(rows.min()), int(rows.max())
        units, order = np.unique(self.source.units, return_inverse=True)
        # What lies between units that lie apart is not read.
        runs = np.split(units, np.flatnonzero(np.diff(units) != 1) + 1)
        spans = [slice(*(int(run[0]), int(run[-1]) + 1) if len(run) else (0, 0)) for run in runs]
        with _opened(self.source.shards[places[0, 0]]) as file:
            values = file.get_slice(self.source.layer)
            found = torch.cat([values[first : last + 1, span] for span in spans], 1)
        chosen = found[torch.from_numpy(rows - first)]
        if (np.diff(order) != 1).any():
            chosen = chosen[:, torch.from_numpy(order)]
        return sent(chosen, self.device)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        index = args[1] if func is aten.index.Tensor else []
        if len(index) == 2 and index[0] is None and index[1].ndim == 1:
            return args[0].units(index[1])
        return super().__torch_dispatch__(func, types, args, kwargs)


def open_featuremaps(folder: Path, layer: str, device: torch.device) -> StoredFeaturemaps:
    """One layer of a folder of shards, in the order of ``read_ids``."""
    shards, shapes = _shards(folder), []
    for shard in shards:
        with _opened(shard) as file:
            shapes.append(file.get_slice(layer).get_shape())
    places = [(shard, row) for shard, shape in enumerate(shapes) for row in range(shape[0])]
    units = np.arange(shapes[0][1])
    source = _Source(shards, layer, np.array(places, np.int64).reshape(-1, 2), units)
    return StoredFeaturemaps.of(source, shapes[0][2:], device)


def read_ids(folder: Path) -> np.ndarray:
    """The generations of a folder of shards, int64 ``[image]``."""
    found = []
    for shard in _shards(folder):
        with _opened(shard) as file:
            found.append(file.get_tensor("ids"))
    return torch.cat(found).numpy()


def _shards(folder: Path) -> list[Path]:
    found = sorted(folder.glob("[0-9]*.safetensors"))
    if not found:
        raise UserError(f"{folder}: holds no featuremaps (00000.safetensors ...)")
    return found


@contextmanager
def _opened(shard: Path) -> Iterator[Any]:
    try:
        with safe_open(shard, framework="pt") as file:
            yield file
    except SafetensorError as error:
        raise UserError(f"{shard}: {error}; run collect_featuremaps again") from None
