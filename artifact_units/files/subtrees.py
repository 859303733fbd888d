"""Networks within a checkpoint: where a file keeps tensors, and what their places are called.

A file is a tree of dictionaries, and keys hold further levels after their dots. Each level may be a
network (``g_ema``, ``state_dict.generator``); wrappers that add a level of their own (``module.``,
``_orig_mod.``) are no part of a key, however often they repeat. What is done here knows no layout.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from artifact_units.errors import UserError
from artifact_units.files.inert import text_of

Steps = tuple[Any, ...]  # the keys of the tree that lead to a value
COMPILED = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
PARALLEL = {"module"}  # a part of some layouts' own keys
DEPTH = 12  # levels of a tree, and parts of a key, above a network
LEAVES = 100_000
AVERAGED = {
    "ema",
    "avg",
    "average",
    "averaged",
    "averaging",
    "mean",
    "moving",
    "smooth",
    "smoothed",
}
AVERAGED |= {"gs", "running", "shadow", "swa", "polyak"}
JOINED = re.compile(
    r"(g|net|netg|gen|generator|model|params?)?(ema|avg)(g|net|netg|gen|generator|model)?"
)
CRITICS = re.compile(r"d|netd|dnet|modeld|dis|disc|discriminators?|critics?")
KEYS = 20_000  # of a level that may be a network


@dataclass(frozen=True)
class Leaf:
    """One value of a file: the keys that lead to it, and the parts of its dotted name."""

    steps: Steps
    parts: tuple[str, ...]
    value: Any


@dataclass(frozen=True)
class Subtree:
    """All that lies below one place of a file, by dotted name within it."""

    parts: tuple[str, ...]
    leaves: dict[str, Leaf]

    @property
    def place(self) -> str:
        """Its dotted name as a user reads and gives it; "" for the file itself."""
        return place_of(self.parts)

    def tensors(self) -> Iterator[tuple[int, list[str]]]:
        """The names of its tensors, by how many keys of the tree lead to them."""
        found: dict[int, list[str]] = {}
        for name, leaf in self.leaves.items():
            if isinstance(leaf.value, torch.Tensor):
                found.setdefault(len(leaf.steps), []).append(name)
        yield from sorted((depth, names) for depth, names in found.items() if len(names) <= KEYS)


BUFFERS = re.compile(  # what layouts keep in a state dict that is not trained
    r".*(running_(mean|var|means|vars)|num_batches_tracked|stored_(mean|var)|\.u0|\.sv0|noise_const"
    r"|resample_filter|\.kernel|w_avg|lod|noise_\d+|wscale\.scale|weight_[uv])"
)


def unnamed(found: Collection[Leaf], whole: Mapping[str, Leaf]) -> Iterator[Subtree]:
    """Lists of tensors of the shapes of a network's parameters, in its order (torch_ema's)."""
    shapes = {key: leaf.value.shape for key, leaf in whole.items() if hasattr(leaf.value, "shape")}
    trained = {key: shape for key, shape in shapes.items() if not BUFFERS.fullmatch(key)}
    for leaf in found:
        if not isinstance(leaf.value, list | tuple):
            continue
        held = [getattr(value, "shape", None) for value in leaf.value]
        for keys in (shapes, trained):
            if held and held == [*keys.values()]:
                each = zip(keys, leaf.value, strict=True)
                own = {k: Leaf((*leaf.steps, i), leaf.parts, v) for i, (k, v) in enumerate(each)}
                yield Subtree(leaf.parts, own)
                break


def place_of(parts: Sequence[str]) -> str:
    """The dotted name of a level, without the wrappers on the way."""
    return ".".join(part for part in parts if part not in PARALLEL)


def leaves(tree: Mapping, path: Path) -> list[Leaf]:
    """Every value of a tree that is no dictionary, nor a list of dictionaries."""
    found: list[Leaf] = []
    waiting: list[tuple[Steps, Any]] = [((), tree)]
    for visited in range(LEAVES):
        if not waiting:
            return found[::-1]
        steps, value = waiting.pop()
        if len(steps) <= DEPTH and (inner := _inner(value)):
            waiting += [((*steps, key), below) for key, below in inner.items()]
        elif steps:
            parts = [part for step in steps for part in text_of(step).split(".")]
            found.append(Leaf(steps, tuple(p for p in parts if p not in COMPILED), value))
        if len(waiting) > LEAVES - visited:
            break
    raise UserError(f"{path}: holds more than {LEAVES} values; give the state dict alone")


def _inner(value: Any) -> Mapping | None:
    if isinstance(value, list | tuple) and value and all(isinstance(v, Mapping) for v in value):
        return dict(enumerate(value))
    return value if isinstance(value, Mapping) else None


def subtrees(found: Collection[Leaf], without: Collection[str] = ()) -> list[Subtree]:
    """Every level of a file; parts of names that are in ``without`` do not count."""
    levels: dict[tuple[str, ...], dict[str, Leaf]] = {}
    for leaf in found:
        parts = tuple(part for part in leaf.parts if part not in without)
        for depth in range(min(len(parts), DEPTH)):
            levels.setdefault(parts[:depth], {}).setdefault(".".join(parts[depth:]), leaf)
    return [Subtree(parts, inside) for parts, inside in levels.items()]


def is_critic(place: str) -> bool:
    """Whether a place is named as a discriminator's."""
    return any(CRITICS.fullmatch(word) for word in _words(place))


def is_averaged(part: str) -> bool:
    """Whether a name says that weights are averaged over training."""
    return any(word in AVERAGED or JOINED.fullmatch(word) for word in _words(part))


def _words(name: str) -> list[str]:
    """``netG_EMA`` -> net, g, ema."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def averaged(places: Collection[str]) -> list[str]:
    """Those of several places whose names, where they differ, say that they are averaged.

    Of ``ema.online`` and ``ema.ema_model`` it is the second: what all are called tells nothing.
    """
    split = {place: place.split(".") for place in places}
    while len(split) > 1 and len({parts[0] if parts else "" for parts in split.values()}) == 1:
        split = {place: parts[1:] for place, parts in split.items()}
    named = [place for place, parts in split.items() if any(map(is_averaged, parts))]
    return averaged(named) or named if 1 < len(named) < len(places) else named


def wrappers(own: Mapping[str, Leaf]) -> tuple[str, ...]:
    """The wrappers around a network's keys, each once."""
    found = {
        part
        for key, leaf in own.items()
        for part in ".".join(map(text_of, leaf.steps)).split(".")
        if part in COMPILED | PARALLEL and part not in key.split(".")
    }
    return tuple(sorted(found))
