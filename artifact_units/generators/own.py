"""Our own layout: the network's tensors, its family and configuration, edits as multipliers.

One safetensors file. The metadata key ``artifact_units`` holds ``{"family", "config"}``; a tensor
``edits.layer3`` of one factor a unit is multiplied into that layer's output at run time.
"""

from __future__ import annotations

import copy
import importlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from artifact_units.checkpoints import Checkpoint
from artifact_units.edits import Scale
from artifact_units.errors import UserError
from artifact_units.generator import Generator
from artifact_units.generators.pggan_layouts import fold as pggan_fold
from artifact_units.layouts import OWN, NotExact
from artifact_units.storage import whole_file

NOTES = "artifact_units"  # the metadata key of our own files
EDITS = "edits."  # what begins the keys of edits

# Family -> class; the module of that name has ``as_generator(network, layout)``.
FAMILIES = {
    "pggan": "PGGAN",
    "stylegan2": "StyleGAN2",
    "biggan": "BigGAN",
    "biggan_deep": "BigGANDeep",
}


def build(checkpoint: Checkpoint) -> Generator:
    """The generator in a file of our own, with the edits that the file carries."""
    try:
        notes = json.loads(checkpoint.metadata[NOTES])
        family, config = notes["family"], notes["config"]
        network = getattr(_module(family), FAMILIES[family])(**config)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{checkpoint.path}: its metadata {NOTES!r} cannot be read ({error})"
        ) from None
    state = {k: v for k, v in checkpoint.tree.items() if not k.startswith(EDITS)}
    _fill(network, state, checkpoint.path)
    generator = _module(family).as_generator(network, OWN)
    carried = {k.removeprefix(EDITS): v for k, v in checkpoint.tree.items() if k.startswith(EDITS)}
    for name, factors in carried.items():
        if factors.shape != (generator.layer(name).units,):
            raise UserError(f"{checkpoint.path}: {EDITS}{name} is {list(factors.shape)}")
        _install(generator, name, factors)
    if not carried:
        return generator
    note = f"{checkpoint.path}: carries edits of {', '.join(sorted(carried))}"
    return replace(generator, notes=(*generator.notes, note))


def as_generator(network: nn.Module) -> Generator:
    """A network of one of the families as a frozen ``Generator``."""
    return _module(_family(network)).as_generator(network, OWN)


def save_generator(
    path: Path, generator: Generator, edits: Mapping[str, Scale] | None = None
) -> None:
    """Write a generator of a family that is known, and edits of it, in our own layout.

    Edits that the generator already carries are kept, multiplied by the new ones.
    """
    family = _family(generator.network)
    notes = {"family": family, "config": generator.network.config()}  # type: ignore[operator]
    state = {k: v.contiguous() for k, v in generator.network.state_dict().items()}
    for layer in generator.layers:
        carried = getattr(generator.module(layer.name), "edit", None)
        edit = (edits or {}).get(layer.name)
        if edit is not None or carried is not None:
            factors = torch.ones(layer.units) if carried is None else carried.flatten().clone()
            if edit is not None:
                factors[list(edit.units)] *= torch.tensor(edit.factors)
            state[EDITS + layer.name] = factors
    # One key: safetensors writes several in no fixed order, and the bytes would vary.
    with whole_file(path) as part:
        save_file(state, part, metadata={NOTES: json.dumps(notes, sort_keys=True)})


def save_folded(path: Path, generator: Generator, edits: Mapping[str, Scale]) -> None:
    """Write our own layout with the edits in the weights; ``NotExact`` where the family cannot."""
    if _family(generator.network) != "pggan":
        raise NotExact("our own layout of this family keeps them so")
    state = generator.network.state_dict()
    folded = copy.deepcopy(generator.network)
    folded.load_state_dict(pggan_fold(state, generator, edits))
    save_generator(path, replace(generator, network=folded))


def _module(family: str):
    return importlib.import_module(f"artifact_units.generators.{family}")


def _family(network: nn.Module) -> str:
    for family, name in FAMILIES.items():
        if type(network).__name__ == name:
            return family
    raise UserError(
        f"a {type(network).__name__} of your own cannot be written in our layout; give the edits "
        "of its edits.json to artifact_units.hooks.edited where you run it"
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


def _install(generator: Generator, name: str, factors: Tensor) -> None:
    module = generator.module(name)
    module.register_buffer("edit", factors[:, None, None], persistent=False)

    def multiply(layer: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        edit = layer.edit
        return torch.where(edit == 0, 0, output * edit)  # type: ignore[operator]

    module.register_forward_hook(multiply)
