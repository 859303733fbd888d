"""The generator's tensors in a checkpoint, what lies beside them, and the file written again."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from artifact_units.files.checkpoints import Checkpoint, write_tree
from artifact_units.files.inert import is_inert, text_of
from artifact_units.files.subtrees import DEPTH, Leaf, Steps


@dataclass(frozen=True)
class State:
    """The generator's tensors in a checkpoint: where they lay, and what lay beside them."""

    place: str  # dotted; "" where the file is the state dict
    steps: dict[str, Steps]  # by key of ``tensors``
    tensors: dict[str, Any]
    averaged: bool | None  # None: the file does not tell
    beside: dict[str, Any] = field(default_factory=dict)
    others: tuple[str, ...] = ()  # the places of all else in the file
    filled: str = ""  # what was taken from elsewhere, in words
    wrappers: tuple[str, ...] = ()  # parts of names that are no part of the keys


def beside(checkpoint: Checkpoint, steps: Steps, place: str) -> dict[str, Any]:
    """What lies in the dictionaries around a network, the nearest last."""
    around: dict[str, Any] = {}
    value: Any = checkpoint.tree
    for step in steps[:-1]:
        if isinstance(value, Mapping):
            around |= {text_of(key): each for key, each in value.items() if key != step}
        value = value[step]
    return around | checkpoint.attributes.get(place, {})


def others(found: Collection[Leaf], taken: Collection[Steps]) -> tuple[str, ...]:
    """The places of what was not taken, each as short as it can be said."""
    kept = {leaf.parts[:n] for leaf in found if leaf.steps in taken for n in range(len(leaf.parts))}
    names: dict[str, None] = {}
    for leaf in found:
        if leaf.steps not in taken:
            depth = next((n for n in range(len(leaf.parts)) if leaf.parts[:n] not in kept), None)
            names[".".join(leaf.parts[:depth])] = None
    return tuple(names)


def write_state(
    part: Path, checkpoint: Checkpoint, state: State, tensors: Mapping[str, torch.Tensor]
) -> tuple[str, ...]:
    """The file again, with other tensors for the generator; the rest of it as it was.

    Where that cannot be, the generator alone, as a bare state dict (``is_alone``). Returns the
    places of what the file no longer holds.
    """
    if is_alone(checkpoint, state, tensors):
        write_tree(part, checkpoint, {key: value.contiguous() for key, value in tensors.items()})
        return state.others
    new = {steps: tensors[key] for key, steps in state.steps.items()}
    left: list[str] = []
    write_tree(part, checkpoint, _again(checkpoint.tree, (), new, left))
    return tuple(left)


def is_alone(checkpoint: Checkpoint, state: State, tensors: Mapping[str, torch.Tensor]) -> bool:
    """Whether a generator is written without what lay beside it.

    A pickle's embedded source is not kept; and a network of fewer tensors than it had (spectral
    norm is baked into it) would be taken for a part of what lies beside it.
    """
    return checkpoint.kind == "pickle" or len(tensors) < len(state.tensors)


def _again(value: Any, steps: Steps, new: Mapping[Steps, Any], left: list[str]) -> Any:
    """A dictionary (or list of them) with ``new`` values at their steps, and no placeholders."""
    if steps in new:
        return new[steps].contiguous()
    if isinstance(value, list | tuple):
        kind = tuple if isinstance(value, tuple) else list
        return kind(_again(each, (*steps, k), new, left) for k, each in enumerate(value))
    if not isinstance(value, Mapping):
        return value
    out = {}
    for key, each in value.items():
        below = (*steps, key)
        changes = any(other[: len(below)] == below for other in new)
        if changes or (type(each) is dict and len(below) < DEPTH and _holds_inert(each)):
            out[key] = _again(each, below, new, left)
        elif _holds_inert(each):
            left.append(".".join(map(text_of, below)))
        else:
            out[key] = each
    return out


def _holds_inert(value: Any) -> bool:
    """Whether a placeholder lies anywhere in it."""
    waiting, seen = [value], set()
    while waiting:
        each = waiting.pop()
        if is_inert(each):
            return True
        if id(each) not in seen and isinstance(each, Mapping | list | tuple | set | Namespace):
            seen.add(id(each))
            waiting += [*vars(each).values()] if isinstance(each, Namespace) else each
            waiting += [*each.values()] if isinstance(each, Mapping) else []
    return False
