"""Tensors of many images, whose values are read or made when, and as far as, they are needed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from artifact_units.computing.batches import filled

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
        if func is aten.index.Tensor and len(args[1]) == 1 and args[1][0].ndim == 1:
            return args[0].rows(args[1][0])
        if func is aten.slice.Tensor and args[1:2] == (0,) and len(args) == 4:
            return args[0].rows(torch.arange(len(args[0]))[args[2] : args[3]])
        if func is aten.mean.dim and len(args) == 2 and sorted(args[1]) == [2, 3]:
            return args[0].means(kwargs.get("dtype"))
        args, kwargs = tree_map_only(Streamed, lambda x: x.whole(), (args, kwargs))
        return func(*args, **kwargs)


def in_parts(values: Tensor, images: int = 0) -> Iterator[Tensor]:
    """Some of the images at a time, in order: at most so many, or what is usually read at once."""
    most = images or max(1, VALUES // max(1, values.shape[1:].numel()))
    yield from values.parts(most) if isinstance(values, Streamed) else values.split(most)


def whole(values: Tensor) -> Tensor:
    """All of it, in memory; a tensor as it is."""
    return values.whole() if isinstance(values, Streamed) else values
