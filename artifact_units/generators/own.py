"""Our own layout: the network's tensors, its family and configuration, and edits of its layers.

One safetensors file. The metadata key ``artifact_units`` holds ``{"family", "config", "edits"}``;
the edits, by layer a list in the order in which its output goes through them, are those of
``edits.py`` and made at run time. A file of this shelf that declares a ``FAMILY`` is found by being
here.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor, nn

from artifact_units import registry
from artifact_units.errors import UserError
from artifact_units.files.checkpoints import Checkpoint
from artifact_units.files.json_text import parsed
from artifact_units.files.storage import whole_file
from artifact_units.layers.edits import KINDS, Edit, Scale, check_edit, described, revived
from artifact_units.layers.generator import Generator
from artifact_units.layers.layouts import OWN, Family

NOTES = "artifact_units"  # the metadata key of our own files
CARRIED = "carried_edits"  # attribute of a layer: what its output goes through


def families() -> dict[str, Family]:
    """Every family on the shelf, by its name."""
    return {family.name: family for family in registry.declared("generators", "FAMILY")}


def build(checkpoint: Checkpoint) -> Generator:
    """The generator in a file of our own, with the edits that the file carries."""
    notes = read_notes(checkpoint)
    try:
        family = families()[notes["family"]]
        network = family.network(**notes["config"])
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise _unreadable(checkpoint, error) from None
    _fill(network, checkpoint.tree, checkpoint.path)
    generator = family.as_generator(network, OWN)
    carried = notes.get("edits", {})
    try:
        for name, given in carried.items():
            _install(generator, name, [revived(name, fields, KINDS) for fields in given])
    except (AttributeError, TypeError) as error:
        raise _unreadable(checkpoint, error) from None
    if not carried:
        return generator
    note = f"{checkpoint.path}: carries edits of {', '.join(sorted(carried))}"
    return replace(generator, notes=(*generator.notes, note))


def read_notes(checkpoint: Checkpoint) -> dict[str, Any]:
    """What the metadata of a file of our own says; a UserError where it holds no generator."""
    try:
        notes = parsed(checkpoint.metadata[NOTES])
    except ValueError as error:
        raise _unreadable(checkpoint, error) from None
    if not isinstance(notes, dict):
        raise _unreadable(checkpoint, f"it is a {type(notes).__name__}")
    held = "classifier" if "classifier" in notes else notes.get("family")
    if not isinstance(held, str):
        raise _unreadable(checkpoint, f"its family is {held!r}")
    if held not in families():
        raise UserError(
            f"{checkpoint.path}: holds a {held.replace('_', ' ')}, not a generator; "
            "give the generator's checkpoint (inputs.generator)"
        )
    return notes


def as_generator(network: nn.Module) -> Generator:
    """A network of one of the families as a frozen ``Generator``."""
    return _family(network).as_generator(network, OWN)


def save_generator(
    path: Path, generator: Generator, edits: Mapping[str, Edit] | None = None
) -> None:
    """Write a generator of a family that is known, and edits of it, in our own layout.

    Edits that the generator already carries are kept, and come before the new ones.
    """
    family = _family(generator.network).name
    notes = {"family": family, "config": generator.network.config()}  # type: ignore[operator]
    state = {k: v.contiguous() for k, v in generator.network.state_dict().items()}
    made = {
        layer.name: [*getattr(generator.module(layer.name), CARRIED, ()), *new]
        for layer in generator.layers
        for new in [[edits[layer.name]] if edits and layer.name in edits else []]
    }
    kept = {name: [described(edit, KINDS) for edit in own] for name, own in made.items() if own}
    notes |= {"edits": kept} if kept else {}
    # One key: safetensors writes several in no fixed order, and the bytes would vary.
    with whole_file(path) as part:
        save_file(state, part, metadata={NOTES: json.dumps(notes, sort_keys=True)})


def save_folded(path: Path, generator: Generator, edits: Mapping[str, Scale]) -> None:
    """Write our own layout with the edits in the weights; ``NotExact`` where the family cannot."""
    state = _family(generator.network).fold(generator.network.state_dict(), generator, edits)
    folded = copy.deepcopy(generator.network)
    folded.load_state_dict(state)
    save_generator(path, replace(generator, network=folded))


def _unreadable(checkpoint: Checkpoint, why: object) -> UserError:
    return UserError(f"{checkpoint.path}: its metadata {NOTES!r} cannot be read ({why})")


def _family(network: nn.Module) -> Family:
    for family in families().values():
        if type(network) is family.network:
            return family
    raise UserError(
        f"a {type(network).__name__} of your own cannot be written in our layout; give the edits "
        "of its edits.json to artifact_units.layers.hooks.edited where you run it"
    )


def _fill(network: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    wanted = {k: tuple(v.shape) for k, v in network.state_dict().items()}
    for key in sorted(wanted.keys() | state.keys()):
        if key not in state or key not in wanted:
            raise UserError(f"{path}: {key} is {'missing' if key in wanted else 'not known'}")
        if tuple(state[key].shape) != wanted[key]:
            raise UserError(f"{path}: {key} is {list(state[key].shape)}; {list(wanted[key])} fits")
        if not state[key].isfinite().all():
            raise UserError(f"{path}: {key} holds NaN or infinite values")
    network.load_state_dict(state)


def _install(generator: Generator, name: str, edits: Sequence[Edit]) -> None:
    layer, module = generator.layer(name), generator.module(name)
    setattr(module, CARRIED, tuple(edits))

    def make(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        edited = output.float()
        for edit in edits:
            edited = edit(edited)
        return edited.to(output.dtype)

    for edit in edits:
        check_edit(name, edit, (layer.units, layer.height, layer.width))
    module.register_forward_hook(make)
