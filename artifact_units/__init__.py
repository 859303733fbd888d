"""Find the internal units of a pretrained image generator that make artifacts; correct them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from artifact_units.layers.generator import Generator

__all__ = ["load_generator"]


def load_generator(path: Path | str, /, **options: Any) -> Generator:
    """Recognise the checkpoint at ``path`` and load it, frozen, on the CPU.

    See ``artifact_units.generators.load_generator``, which is imported when this is called: a
    step's --help needs no torch, and a stage that loads no generator does not rest on the shelf.
    """
    from artifact_units.generators import load_generator

    return load_generator(path, **options)
