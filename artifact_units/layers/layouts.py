"""How a family of generators says which checkpoints it knows, and reads them without surprises.

A file on the shelf ``generators/`` lists its ``LAYOUTS``. A layout is recognised by its keys;
``build`` takes its tensors one by one through ``Tensors``, so that what is missing, misshapen,
not finite or left over is named; ``fold`` writes edits into the layout's own tensors. Its
``FAMILY`` says the same of the network that they are built as, for files of our own layout.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from artifact_units.errors import UserError
from artifact_units.layers.edits import Scale
from artifact_units.layers.generator import Generator

OWN = "artifact-units"  # the layout of our own files


class NotExact(Exception):
    """Why edits cannot be folded into a layout without changing more than was asked."""


Fold = Callable[[dict[str, Tensor], Generator, Mapping[str, Scale]], dict[str, Tensor]]


@dataclass(frozen=True)
class Layout:
    """One form of checkpoint: ``keys`` matches, whole, each key that it may hold."""

    name: str
    keys: str
    build: Callable[..., Generator]  # (Tensors, *, options) -> Generator
    fold: Fold  # exact, or NotExact
    told: str = ""  # what is said of a file that is written in this layout
    rough: Fold | None = None  # not exact, for those who ask for it

    def likeness(self, keys: Iterable[str]) -> float:
        """The share of ``keys`` that belong to this layout."""
        fits = [re.fullmatch(self.keys, key) is not None for key in keys]
        return sum(fits) / len(fits) if fits else 0.0


def carried(
    state: dict[str, Tensor], generator: Generator, edits: Mapping[str, Scale]
) -> dict[str, Tensor]:
    """The fold of a family whose own layout carries every edit: it always raises ``NotExact``."""
    raise NotExact("our own layout of this family keeps them so")


@dataclass(frozen=True)
class Family:
    """A kind of network, written in our own layout under ``name`` with its ``config()``.

    ``config()`` is what the constructor was given. ``examples`` are such arguments of small
    networks, which the tests of every family try.
    """

    name: str
    network: type[nn.Module]
    as_generator: Callable[..., Generator]  # (network, layout) -> Generator
    examples: tuple[Mapping[str, Any], ...]
    fold: Fold = carried  # into the network's own state dict


@dataclass
class Tensors:
    """A state dict that is taken tensor by tensor; ``finish`` names what nobody took."""

    path: Path
    layout: str
    state: Mapping[str, Any]
    beside: Mapping[str, Any] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def __contains__(self, key: str) -> bool:
        return key in self.state

    def error(self, message: str) -> UserError:
        """One line that begins with the file and what it was taken for."""
        return UserError(f"{self.path}: {self.layout}: {message}")

    def shape(self, key: str, axes: int | None = None) -> tuple[int, ...]:
        """The shape of one tensor, which must be there; of so many ``axes``, if that is said."""
        value = self.state.get(key)
        if key not in self.state:
            raise self.error(f"{key} is missing")
        if not isinstance(value, Tensor):
            raise self.error(f"{key} is a {type(value).__name__}, not a tensor")
        if axes not in (None, value.dim()):
            raise self.error(f"{key} is {list(value.shape)}; it should have {axes} axes")
        return tuple(value.shape)

    def take(self, key: str, *shape: int | None) -> Tensor:
        """One tensor as float32; ``None`` in ``shape`` stands for any size."""
        found = self.shape(key)
        value: Tensor = self.state[key]
        fits = len(found) == len(shape) and all(
            w in (None, n) for n, w in zip(found, shape, strict=True)
        )
        if not fits:
            wanted = "[" + ", ".join("?" if w is None else str(w) for w in shape) + "]"
            raise self.error(f"{key} is {list(found)}; {wanted} fits the others")
        if not value.is_floating_point() or value.layout != torch.strided:
            raise self.error(
                f"{key} holds {str(value.dtype).removeprefix('torch.')}, not numbers of a weight"
            )
        value = value.to(torch.float32)
        if not value.isfinite().all():
            raise self.error(f"{key} holds NaN or infinite values")
        self.taken.add(key)
        return value.contiguous()

    def rgb(self, key: str, axis: int = 0) -> None:
        """Say what a to-RGB weight draws, where that is not three channels."""
        shape = self.shape(key)
        if axis < len(shape) and shape[axis] != 3:
            grey = "1 channel (grey)" if shape[axis] == 1 else f"{shape[axis]} channels"
            raise self.error(f"draws {grey} ({key} is {list(shape)}); only RGB is read")

    def ignore(self, pattern: str) -> None:
        """Count keys that match, whole, as taken."""
        self.taken |= {key for key in self.state if re.fullmatch(pattern, key)}

    def numbers(self, pattern: str) -> list[int]:
        """The numbers that the first group of ``pattern`` takes in the keys, ascending."""
        found = (re.match(pattern, key) for key in self.state)
        return sorted({int(match[1]) for match in found if match})

    def count(self, pattern: str) -> int:
        """How many numbered things there are: the largest of ``numbers``, plus one."""
        return max(self.numbers(pattern), default=-1) + 1

    def finish(self) -> None:
        """Name the first key that nobody took."""
        left = [key for key in self.state if key not in self.taken]
        if left:
            more = f" and {len(left) - 1} more" if len(left) > 1 else ""
            raise self.error(f"{left[0]}{more} is not known")


def one_hot(classes: Tensor, count: int) -> Tensor:
    """Class indices ``[batch]`` -> float ``[batch, count]``."""
    return torch.nn.functional.one_hot(classes, count).float()
