"""What is compared: rankings and corrections by name. A line is a method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

PAPER = "sequential"  # what the others are tested against


@dataclass(frozen=True)
class Ranking:
    """A file of the shelf; ``masks``: fine or last (stage of the heatmaps), or the true ones."""

    file: str
    masks: str = "fine"
    random: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    """A correction: the ranking it looks at, a file of the shelf and its options.

    ``search`` are axes of options that labelled generations decide on (``choice``), ``ranking`` and
    ``normalise`` among them; ``true_n``: an oracle says how many units a layer are defective.
    """

    ranking: str
    corrector: str
    options: Mapping[str, Any] = field(default_factory=dict)
    gate: float = 0.0
    true_n: bool = False


# Heatmaps: the paper's (last stage, artifact logit) and params.yaml's.
STAGES = MappingProxyType({"last": ("layer4", "artifact"), "fine": ("layer3", "contrast")})

RANKINGS = {
    "defective_score": Ranking("defective_score", masks="last"),
    "defective_score_fine": Ranking("defective_score"),
    "contrast": Ranking("contrast"),
    "unit_fid": Ranking("unit_fid", options={"top": 0.05}),
    "activation_difference": Ranking("activation_difference"),
    "range_excess": Ranking("range_excess"),
    "rare_neurons": Ranking("rare_neurons"),
    "local_activation": Ranking("local_activation"),
    "random": Ranking("random_order", random=True),
    "oracle": Ranking("defective_score", masks="true"),
}
# Those that need labels and nothing else: no truth, no real image (heatmaps come of labels).
LABELS_ONLY = (
    "defective_score",
    "defective_score_fine",
    "contrast",
    "activation_difference",
    "range_excess",
    "rare_neurons",
    "local_activation",
)

ONE = {"layer": "layer4", "n": 3}
ALL = {"stop": 7, "n": 3}
ALGORITHM_1 = {**ALL, "scale": 1.0}
LATE = {**ALGORITHM_1, "start": 4}  # the layers before 4 are healthy in every kind

# What a search goes along, axis by axis from the first of each. Nobody knows how many units are
# defective, nor in which layers: the search is given neither.
AXES: dict[str, Any] = {"n": [3, 6, 2, 10], "start": [1, 4], "stop": [7, 6, 5, 4]}
LAYER = {"n": AXES["n"], "layer": ["layer4", "layer5", "layer6", "layer7"]}
SCALED = {"normalise": ["none", "max", "minmax"], **AXES, "scale": [0.0, 0.5, 1.0]}
# The corrections that the choice without a truth is made of.
CHOICE = (
    "none",
    "one_layer_searched",
    "sequential_searched",
    "sequential_range_excess_searched",
    "clip_searched",
    "clip_contrast_searched",
    "clip_activation_difference_searched",
    "clip_range_excess_searched",
)

METHODS = {
    "none": Method("defective_score", "ablation", {"layer": "layer4", "n": 0}),
    "random": Method("random", "ablation", ONE),
    "unit_fid": Method("unit_fid", "ablation", ONE),
    "one_layer": Method("defective_score", "ablation", ONE),
    "sequential": Method("defective_score", "sequential", ALGORITHM_1),
    "sequential_max": Method("defective_score", "sequential", {**ALGORITHM_1, "normalise": "max"}),
    "sequential_minmax": Method(
        "defective_score", "sequential", {**ALGORITHM_1, "normalise": "minmax"}
    ),
    "sequential_max_late": Method("defective_score", "sequential", {**LATE, "normalise": "max"}),
    "sequential_fine": Method("defective_score_fine", "sequential", ALGORITHM_1),
    "sequential_gated": Method("defective_score", "sequential", ALGORITHM_1, gate=0.5),
    "shrink": Method("defective_score_fine", "shrink", ALL),
    "clip": Method("defective_score", "clip", ALL),
    "clip_fine": Method("defective_score_fine", "clip", ALL),
    "clip_contrast": Method("contrast", "clip", ALL),
    "clip_activation_difference": Method("activation_difference", "clip", ALL),
    "clip_range_excess": Method("range_excess", "clip", ALL),
    "clip_range_excess_gated": Method("range_excess", "clip", ALL, gate=0.5),
    "clip_range_excess_6": Method("range_excess", "clip", {"stop": 7, "n": 6}),
    "clip_random": Method("random", "clip", ALL),
    "rare_neurons": Method("defective_score", "rare_neurons", {"stop": 7}),
    "feature_proliferation": Method("defective_score", "feature_proliferation", {"stop": 7}),
    "truncation": Method("defective_score", "truncation"),
    "boundary": Method("defective_score", "boundary"),
    "rejection": Method("defective_score", "rejection"),
    "random_searched": Method("random", "ablation", LAYER),
    "unit_fid_searched": Method("unit_fid", "ablation", LAYER),
    "one_layer_searched": Method("defective_score", "ablation", LAYER),
    "sequential_searched": Method("defective_score", "sequential", SCALED),
    "sequential_range_excess_searched": Method("range_excess", "sequential", SCALED),
    "clip_searched": Method("defective_score", "clip", AXES),
    "clip_contrast_searched": Method("contrast", "clip", AXES),
    "clip_activation_difference_searched": Method("activation_difference", "clip", AXES),
    "clip_range_excess_searched": Method("range_excess", "clip", AXES),
    "one_layer_true_n": Method("defective_score", "ablation", ONE, true_n=True),
    "clip_true_n": Method("defective_score", "clip", ALL, true_n=True),
    "clip_oracle": Method("oracle", "clip", ALL),
}
# The choice by the product's cost, where an artifact is seen alone, and by other costs (``costs``).
CHOSEN = ("chosen", "chosen_gated")
BY_OTHER_COSTS = (
    "chosen_training_1",
    "chosen_training_2",
    "chosen_structure",
    "chosen_gain_per_harm",
)
ROWS = (*METHODS, *CHOSEN, *BY_OTHER_COSTS)
