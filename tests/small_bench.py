"""A cell of the bench with as few images as its numbers can do with."""

from __future__ import annotations

from studies.bench.methods import BY_OTHER_COSTS, CHOSEN
from studies.bench.settings import Settings

TINY = Settings(
    labelled=80,
    reals=20,
    epochs=1,
    collected=12,
    unlabelled=100,
    reference=80,
    artifacts=10,
    normals=5,
    searched=6,
    chosen_on=3,
    budget=3,
    repeats=2,
    methods=(
        "none",
        "random",
        "sequential",
        "one_layer_searched",
        "clip_true_n",
        *CHOSEN,
        *BY_OTHER_COSTS,
    ),
)
