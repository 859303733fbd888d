"""A small untrained PGGAN to plant defects into: six layers of twelve units, 16 px."""

from __future__ import annotations

import torch

from artifact_units.generator import Generator
from artifact_units.generators import as_generator
from artifact_units.generators.pggan import PGGAN


def small_generator() -> Generator:
    torch.manual_seed(0)
    network = PGGAN(8, [12] * 6)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return as_generator(network)
