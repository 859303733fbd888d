"""The generator of a stage, where it is needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from steps.making.parameters import Run

if TYPE_CHECKING:
    import torch

    from artifact_units.layers.generator import Generator


def generator_once(path: Path, device: torch.device, run: Run) -> Callable[[], Generator]:
    """Gives the generator at ``path``, loaded and placed when it is first asked for."""
    from artifact_units.generators import load_generator
    from artifact_units.layers.placing import placed

    return cache(lambda: placed(load_generator(path), device, run.precision, run.channels_last))
