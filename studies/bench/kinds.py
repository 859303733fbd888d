"""The kinds of defects that methods are compared on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from artifact_units.generators.pggan import SLOPE
from artifact_units.layers.generator import Generator
from artifact_units.shapes import Latents
from demo.domain.judging import Bounds, first_accepted
from demo.domain.planting import Chain, Planted, plant
from demo.domain.surges import plant_surges

# Of params.yaml: how often there is an artifact, and what is one.
OFTEN = (0.2, 0.45)
MASK_DIFFERENCE, AREA = 0.15, 0.015
DEPTH = 0.85  # where depth must matter, what one layer's ablation may recover at most
TRIES = 50  # planting seeds of one bench seed


@dataclass(frozen=True)
class Kind:
    """``plant`` is given a generator, latents and a seed; ``single_layer`` as of ``Bounds``."""

    plant: Callable[[Generator, Latents, int], Planted]
    single_layer: float
    words: str


KINDS = {
    "easy": Kind(
        partial(plant, chains=(Chain(4, 4, 1),)),
        math.inf,
        "four units of layer 4, silent but where a rare pattern is; they carry nothing",
    ),
    "deep": Kind(
        plant,
        DEPTH,
        "the default run's: silent units in chains over layers 4, 5 and 6, 7; no layer alone "
        f"recovers more than {DEPTH:g}",
    ),
    "hard": Kind(
        partial(plant_surges, layers=(4, 6), count=3),
        math.inf,
        "three units in each of layers 4 and 6; each carries half of what a good unit says, and "
        "surges where a rare pattern is",
    ),
    "leaky": Kind(
        partial(plant, slope=SLOPE),
        math.inf,
        f"the chains of deep with slope {SLOPE:g}: a unit that is off leaks, and a good partner "
        "makes up for the leak",
    ),
}


def planted(generator: Generator, kind: str, seed: int) -> Planted:
    """A planting of that kind within bounds; those of different seeds have no try in common."""
    bounds = Bounds(*OFTEN, KINDS[kind].single_layer, MASK_DIFFERENCE, AREA)
    tries = range(seed * TRIES, (seed + 1) * TRIES)
    return first_accepted(generator, tries, bounds, 20, lambda _: None, KINDS[kind].plant)
