"""A checkpoint on disk -> ``Generator``, whatever its layout; and our own layout.

A file of this shelf that lists ``LAYOUTS`` is found by being here. Our own files are safetensors
whose metadata names the family and its constructor's arguments.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from artifact_units.files.checkpoints import read_checkpoint
from artifact_units.generators import foreign, own
from artifact_units.generators.own import NOTES, as_generator, save_generator
from artifact_units.generators.recognition import layouts, notes, recognise
from artifact_units.layers.generator import Generator
from artifact_units.layers.layouts import OWN, Layout, Tensors
from artifact_units.registry import checked_options

__all__ = ["as_generator", "built", "layouts", "load_generator", "recognise", "save_generator"]

WEIGHTS = "weights"  # the option that names one of several networks
SAID = 200  # characters of what torch says, in a message


def load_generator(path: Path | str, /, **options: Any) -> Generator:
    """Recognise the checkpoint at ``path`` and load it, frozen, on the CPU.

    ``options`` say what a layout's file does not (GenForce's ``fused_scale``). ``module:callable``
    and ``.yaml`` files are the user's own (``foreign``). Of a file with several networks,
    ``weights`` names one by its dotted place; it warns where nothing tells whether what it takes is
    averaged.
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
    given = {WEIGHTS: options.pop(WEIGHTS)} if WEIGHTS in options else {}
    layout, state = recognise(checkpoint, **given)
    tensors = Tensors(checkpoint.path, layout.name, state.tensors, state.beside)
    generator = built(layout, tensors, **checked_options(layout.build, layout.name, options))
    said = notes(checkpoint, state)
    if said and ((state.place and not state.averaged) or state.filled):
        warnings.warn(said[0], stacklevel=2)
    return replace(
        generator,
        notes=(*generator.notes, *said),
        options={**generator.options, **given},
    )


def built(layout: Layout, tensors: Tensors, **options: Any) -> Generator:
    """The generator that a layout makes of tensors, every one of which it takes."""
    try:
        generator = layout.build(tensors, **options)
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        said = " ".join(str(error).split())[:SAID]
        raise tensors.error(f"its tensors do not fit each other: {said}") from None
    tensors.finish()
    return generator
