"""Small untrained PGGANs; by default to plant defects into: six layers of twelve units, 16 px."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from artifact_units.generators import as_generator
from artifact_units.generators.pggan import PGGAN
from artifact_units.layers.generator import Generator


def small_generator(widths: Sequence[int] = (12,) * 6, deviation: float = 0.15) -> Generator:
    torch.manual_seed(0)
    network = PGGAN(8, widths)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=deviation)
    return as_generator(network)


def smaller_generator() -> Generator:
    """Layers of 6, 6, 4 and 4 units, 8 px."""
    return small_generator([6, 6, 4, 4], 0.3)
