"""How large a cell of the bench is; part of the key of its results."""

from __future__ import annotations

from dataclasses import dataclass

from studies.bench.methods import ROWS

ERRORS = (0.0, 0.02, 0.1)  # of the labels
LAYERS = 8  # the first ones are scored, as in params.yaml
BATCH = 20  # a batch of the generator that fits a core's cache


@dataclass(frozen=True)
class Settings:
    """Numbers of generations and images; otherwise the values of params.yaml."""

    labelled: int = 1000  # generations that the simulated annotator labels
    validation: float = 0.2  # of them, which choose the classifier's epoch and the correction
    reals: int = 200
    epochs: int = 8
    minibatch: int = 32
    rate: float = 0.004
    collected: int = 150  # first generations of each label whose featuremaps rankings look at
    unlabelled: int = 600  # for thresholds and the per-unit FID (`studies.bench.unlabelled`)
    reference: int = 1000  # the clean generator's generations of other latents
    artifacts: int = 120  # held-out generations that are corrected: true artifacts
    normals: int = 60  # and true normal ones
    searched: int = 30  # labelled true artifacts that the oracle looks at
    chosen_on: int = 30  # generations of each label that a search looks at
    budget: int = 16  # candidates that a search may try
    harm: float = 10.0
    quantile: float = 0.99
    mask_threshold: float = 0.5
    iou_px: int = 64
    repeats: int = 3  # of a random order
    methods: tuple[str, ...] = ROWS
