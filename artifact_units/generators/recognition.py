"""Which layout a checkpoint is of, and which of the networks in it is the one to take.

Every level of the file is held against every layout. Where several hold tensors of the same names
and shapes, they are one network at different times, and that whose name says that it is averaged is
taken. What a name does not settle is asked: the option ``weights`` is the place of the one meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from artifact_units.errors import UserError, did_you_mean
from artifact_units.files.checkpoints import Checkpoint
from artifact_units.files.inert import fields, is_module, whole_module
from artifact_units.files.states import State, beside, others
from artifact_units.files.subtrees import (
    PARALLEL,
    Leaf,
    Subtree,
    averaged,
    is_critic,
    leaves,
    place_of,
    subtrees,
    unnamed,
    wrappers,
)
from artifact_units.generators import strangers
from artifact_units.layers.layouts import Layout, Tensors
from artifact_units.registry import declared

SHOWN = 8  # names in a note
LONG = 60  # characters of one
ENOUGH = 0.5  # share of a network's keys that must belong to a layout


@dataclass(frozen=True)
class Candidate:
    """A level of the file that holds a network of a known layout."""

    layout: Layout
    subtree: Subtree
    leaves: Mapping[str, Leaf]  # the network's own, by key
    counted: bool  # torch's AveragedModel keeps a count beside the module that it averages

    @property
    def place(self) -> str:
        return self.subtree.place

    def shapes(self) -> dict[str, Any]:
        return {key: getattr(leaf.value, "shape", None) for key, leaf in self.leaves.items()}

    def part_of(self, other: Candidate) -> bool:
        """Whether ``other`` has all its tensors, of the same shapes."""
        whole = other.shapes()
        return self.layout is other.layout and self.shapes().items() <= whole.items()


def layouts() -> Iterator[Layout]:
    """Every layout on the shelf, file by file."""
    for found in declared("generators", "LAYOUTS"):
        yield from found


def recognise(checkpoint: Checkpoint, *, weights: str | None = None) -> tuple[Layout, State]:
    """The layout of a checkpoint, and the generator's part of it.

    ``weights``: the dotted place of the network to take, where the file leaves a choice. A
    UserError where it leaves one and nothing is said, or where no layout fits.
    """
    found = leaves(checkpoint.tree, checkpoint.path)
    known = _candidates(found)
    if not known and any(part in PARALLEL for leaf in found for part in leaf.parts):
        known = _candidates(found, PARALLEL)
    likely = [candidate for candidate in known if not is_critic(candidate.place)]
    known = likely or [candidate for candidate in known if _fits(checkpoint, candidate)]
    if not known:
        raise UserError(f"{checkpoint.path}: {_unknown(found)}")
    known += [
        Candidate(known[0].layout, lists, lists.leaves, False)
        for lists in unnamed(found, known[0].leaves)
    ]
    group = _one_network(checkpoint, known, weights)
    taken, average = _chosen(checkpoint, group, weights)
    own, filled = dict(taken.leaves), ""
    if missing := {k: leaf for k, leaf in group[0].leaves.items() if k not in own}:
        own = {k: own.get(k, leaf) for k, leaf in group[0].leaves.items()}
        filled = f"{len(missing)} tensors that it does not hold ({next(iter(missing))}, …) are "
        filled += f"those of {group[0].place}"
    steps = {key: leaf.steps for key, leaf in own.items()}
    around = beside(checkpoint, next(iter(taken.leaves.values())).steps, taken.place)
    around |= {f"config.{k}": v for k, v in fields(checkpoint.tree.get("config")).items()}
    values = {key: leaf.value for key, leaf in own.items()}
    rest = others(found, {*steps.values()})
    around_keys = wrappers(own)
    return taken.layout, State(
        taken.place, steps, values, average, around, rest, filled, around_keys
    )


def notes(checkpoint: Checkpoint, state: State) -> tuple[str, ...]:
    """What was taken of a file that holds more, and what it does not tell."""
    said = []
    if state.place:
        said.append(f"taken: {state.place}")
    if state.averaged is None and state.place:
        said.append("the file does not tell whether these weights are averaged")
    elif state.averaged is False:
        said.append("these are not the averaged weights")
    elif state.averaged and not state.place:
        said.append("taken: the averaged weights")
    said += [f"wrapped in {', '.join(state.wrappers)}"] if state.wrappers else []
    said += [state.filled] if state.filled else []
    if state.others and (said or state.place):
        said.append(f"also in the file: {listed(state.others)}")
    return (f"{checkpoint.path}: {'; '.join(said)}",) if said else ()


def listed(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    cut = [name if len(name) <= LONG else f"{name[:LONG]}…" for name in names[:SHOWN]]
    return ", ".join(cut) + more


def _candidates(found: Sequence[Leaf], without: Sequence[str] | set[str] = ()) -> list[Candidate]:
    known = list(layouts())
    counts = {place_of(leaf.parts[:-1]) for leaf in found if leaf.parts[-1] == "n_averaged"}
    out: dict[tuple[str, frozenset], Candidate] = {}
    for subtree in subtrees(found, without):
        for depth, names in subtree.tensors():
            best = max(known, key=lambda layout: layout.likeness(names))
            if best.likeness(names) <= ENOUGH:
                continue
            own = {
                name: leaf
                for name, leaf in subtree.leaves.items()
                if (isinstance(leaf.value, torch.Tensor) and len(leaf.steps) == depth)
                or best.likeness([name])
            }
            candidate = Candidate(best, subtree, own, subtree.place in counts)
            out.setdefault((subtree.place, frozenset(own)), candidate)
    return sorted(out.values(), key=lambda candidate: -len(candidate.leaves))


def _one_network(
    checkpoint: Checkpoint, known: Sequence[Candidate], weights: str | None
) -> list[Candidate]:
    """Those of one network, the fullest first; of several networks the one that can be built."""
    groups: list[list[Candidate]] = []
    for candidate in known:
        home = next((group for group in groups if candidate.part_of(group[0])), None)
        if home is None:
            groups.append([candidate])
        else:
            home.append(candidate)
    if weights is not None:
        for group in groups:
            if weights in [candidate.place for candidate in group]:
                return group
        near = did_you_mean(str(weights), [c.place for c in known])
        raise UserError(f"{checkpoint.path}: weights is {weights!r}; {near}")
    if len(groups) > 1:
        groups = [group for group in groups if _fits(checkpoint, group[0])] or groups[:1]
    if len(groups) > 1:
        raise _asked(checkpoint, [group[0] for group in groups], "networks of different shapes")
    return groups[0]


def _fits(checkpoint: Checkpoint, candidate: Candidate) -> bool:
    values = {key: leaf.value for key, leaf in candidate.leaves.items()}
    tensors = Tensors(checkpoint.path, candidate.layout.name, values)
    try:
        candidate.layout.build(tensors)
        tensors.finish()
    except (UserError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
        return False
    return True


def _chosen(
    checkpoint: Checkpoint, group: list[Candidate], weights: str | None
) -> tuple[Candidate, bool | None]:
    """The one to take, and whether it is averaged: None where the file does not tell."""
    places = {candidate.place: candidate for candidate in group}
    smooth = [c.place for c in group if c.counted] or averaged(list(places))
    if weights is not None:
        return places[weights], _told(weights, smooth)
    left = smooth if len(group) > 1 and smooth else list(places)
    if len(left) > 1 and not _alike([places[place] for place in left]):
        raise _asked(checkpoint, [places[place] for place in left], "networks of the same shapes")
    return places[left[0]], _told(left[0], smooth)


def _told(place: str, smooth: Sequence[str]) -> bool | None:
    if place in smooth:
        return True
    return False if smooth else None


def _alike(group: Sequence[Candidate]) -> bool:
    first, *rest = ({k: leaf.value for k, leaf in c.leaves.items()} for c in group)
    return all(
        first.keys() == each.keys() and all(_equal(first[key], each[key]) for key in first)
        for each in rest
    )


def _equal(one: Any, two: Any) -> bool:
    try:
        return one.dtype == two.dtype and torch.equal(one, two)
    except (
        AttributeError,
        RuntimeError,
        TypeError,
    ):  # none, or not to be compared
        return False


def _asked(checkpoint: Checkpoint, group: Sequence[Candidate], what: str) -> UserError:
    places = [candidate.place for candidate in group]
    option = f"--option weights={places[0]}, or options: {{weights: {places[0]}}} in a .yaml file"
    return UserError(
        f"{checkpoint.path}: holds {len(places)} {what}: {listed(places)}; say which: {option}"
    )


def _unknown(found: Sequence[Leaf]) -> str:
    """What a file is that no layout fits."""
    own = "give a layout that is known, or a function of your own (docs/your_own_generator.md)"
    tensors = [".".join(leaf.parts) for leaf in found if isinstance(leaf.value, torch.Tensor)]
    stranger = strangers.named(tensors)
    if stranger:
        return f"{stranger}, which is not read; {own}"
    for leaf in found:
        if is_module(leaf.value):
            return f"{'.'.join(leaf.parts)} is {whole_module(leaf.value)}"
    names = ", ".join(layout.name for layout in layouts())
    if not tensors:
        return f"holds no tensors; there is {names}"
    if all(is_critic(key.rpartition(".")[0]) for key in tensors):
        return "holds a discriminator, and no generator"
    return f"no layout that is known (keys {listed(tensors[:3])}, …); there is {names}"
