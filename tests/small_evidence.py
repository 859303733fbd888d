"""What a corrector is handed, small: three layers, four generations, the last unit the worst."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from artifact_units.corrections.evidence import CorrectionEvidence
from artifact_units.images.latents import latents_of
from artifact_units.units.evidence import RankedLayer

UNITS = {"layer1": 6, "layer2": 6, "layer3": 4}
LABELS = {0: "normal", 1: "artifact", 2: "normal", 3: "artifact"}


def ranked() -> dict[str, RankedLayer]:
    """Scores k / units of unit k - 1."""
    layers = {}
    for name, units in UNITS.items():
        score = np.arange(1, units + 1) / units
        layers[name] = RankedLayer(name, score, np.arange(units)[::-1])
    return layers


def evidence(
    maps: Mapping[str, torch.Tensor] | None = None, layers: dict[str, RankedLayer] | None = None
) -> CorrectionEvidence:
    """Of featuremaps ``[4, unit, row, col]`` by layer; generations 0 and 2 are normal."""
    known = maps or {}
    return CorrectionEvidence(
        ranked=layers or ranked(),
        repeat=0,
        labels=LABELS,
        probability={0: 0.1, 1: 0.9, 2: 0.2, 3: 0.4},
        collected=np.arange(4),
        featuremaps=lambda layer: known[layer].half(),
        latents=lambda ids: latents_of(ids, 8),
    )
