"""A checkpoint on disk -> ``Generator``, whatever its layout; and our own layout.

A file of this shelf that lists ``LAYOUTS`` is found by being here. Our own files are safetensors
whose metadata names the family and its constructor's arguments.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from artifact_units.errors import UserError
from artifact_units.files.checkpoints import Checkpoint, State, generator_state, read_checkpoint
from artifact_units.generators import foreign, own
from artifact_units.generators.own import NOTES, as_generator, save_generator
from artifact_units.layers.generator import Generator
from artifact_units.layers.layouts import OWN, Layout, Tensors
from artifact_units.registry import checked_options, declared

__all__ = ["as_generator", "load_generator", "save_generator"]

SAID = 200  # characters of what torch says, in a message


def load_generator(path: Path | str, /, **options: Any) -> Generator:
    """Recognise the checkpoint at ``path`` and load it, frozen, on the CPU.

    ``options`` say what a layout's file does not (GenForce's ``fused_scale``). ``module:callable``
    and ``.yaml`` files are the user's own (``foreign``). Where only raw weights are there, not
    their moving average, it warns.
    """
    path, text = Path(path), str(path)
    if ":" in text and not path.exists():
        return foreign.call(text, options)
    if path.suffix in foreign.SUFFIXES:
        said = foreign.read_description(path)
        generator = load_generator(said["generator"], **{**(said.get("options") or {}), **options})
        return foreign.with_class(generator, said["class"]) if "class" in said else generator
    checkpoint = read_checkpoint(path)
    if NOTES in checkpoint.metadata:
        return own.build(checkpoint, **checked_options(own.build, OWN, options))
    layout, state = recognise(checkpoint)
    tensors = Tensors(checkpoint.path, layout.name, state.tensors, state.beside)
    generator = built(layout, tensors, **checked_options(layout.build, layout.name, options))
    if state.averaged:
        return generator
    note = f"{path}: holds no moving average; taken: the raw weights in {'.'.join(state.place)}"
    warnings.warn(note, stacklevel=2)
    return replace(generator, notes=(*generator.notes, note))


def built(layout: Layout, tensors: Tensors, **options: Any) -> Generator:
    """The generator that a layout makes of tensors, every one of which it takes."""
    try:
        generator = layout.build(tensors, **options)
    except (ArithmeticError, LookupError, RuntimeError, ValueError) as error:
        said = " ".join(str(error).split())[:SAID]
        raise tensors.error(f"its tensors do not fit each other: {said}") from None
    tensors.finish()
    return generator


def layouts() -> Iterator[Layout]:
    """Every layout on the shelf, file by file."""
    for found in declared("generators", "LAYOUTS"):
        yield from found


def recognise(checkpoint: Checkpoint) -> tuple[Layout, State]:
    """The layout that most of the keys belong to, and the generator's part of the file."""
    state = generator_state(checkpoint)
    known = list(layouts())
    best = max(known, key=lambda layout: layout.likeness(state.tensors))
    if best.likeness(state.tensors) <= 0.5:
        names = ", ".join(layout.name for layout in known)
        keys = ", ".join(list(state.tensors)[:3])
        raise UserError(
            f"{checkpoint.path}: no layout that is known (keys {keys}, …); there is {names}"
        )
    return best, state
