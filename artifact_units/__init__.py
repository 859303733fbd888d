"""Find the internal units of a pretrained image generator that make artifacts; correct them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from artifact_units.generators import load_generator

__all__ = ["load_generator"]


def __getattr__(name: str) -> Any:
    # Lazy, so that a step's --help does not import torch.
    if name == "load_generator":
        from artifact_units.generators import load_generator

        return load_generator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
