"""Features of images, whatever extractor makes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from artifact_units.shapes import Features, Images


@dataclass(frozen=True)
class Extractor:
    """A frozen network: uint8 images ``[batch, 3, h, w]`` -> float32 features ``[batch, dim]``."""

    name: str  # goes into metric names: frechet_<name>; Inception's is fid
    dim: int
    extract: Callable[[Images], Features]
