"""What was found against the truth: rankings against the defective units, masks, the classifier."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from artifact_units.classifier.heatmaps import HeatmapSet, masks_from
from artifact_units.errors import UserError
from artifact_units.evaluation.measurements import Measurement
from artifact_units.evaluation.resampling import mean_of
from artifact_units.evaluation.rows import UNCORRECTED, Settings
from artifact_units.evaluation.truth import (
    Truth,
    average_precision,
    chance_precision,
    intersection_over_union,
)
from artifact_units.files.tables import read_table
from artifact_units.labels.verdicts import CLASSES

CHANCE = "chance"  # what a random order can expect


def rankings_agreement(scores: Path, truth: Truth) -> Iterator[Measurement]:
    """Average precision of each ranking in each layer with defective units, and their mean."""
    table: Any = pd.DataFrame(read_table(scores, "scores").to_pydict())
    table = table[table["layer"].isin(list(truth.units))]
    if not len(table):
        raise UserError(
            f"{scores}: no layer with defective units ({', '.join(truth.units)}) was scored; "
            "add it to collect_featuremaps.layers"
        )
    table["true"] = [
        u in truth.units[k] for k, u in zip(table["layer"], table["unit"], strict=True)
    ]
    for (ranking, repeat), rows in table.groupby(["ranking", "repeat"], sort=False):
        found = {layer: _precision(part) for layer, part in rows.groupby("layer", sort=False)}
        yield from _by_layer(str(ranking), int(repeat), found)
    first = table.drop_duplicates(["layer", "unit"])
    sizes = {
        layer: (len(p), int(p["true"].sum())) for layer, p in first.groupby("layer", sort=False)
    }
    chance = {layer: (chance_precision(n, true), n) for layer, (n, true) in sizes.items()}
    yield from _by_layer(CHANCE, 0, chance)


def heldout_agreement(
    heatmaps: HeatmapSet, truth: Truth, threshold: float, settings: Settings
) -> Iterator[Measurement]:
    """Of held-out generations: the masks of true artifacts, the classifier's verdict on all.

    ``mask_iou_chance`` takes the mask of the next artifact, so it has the masks' size and
    favourite places. The classifier agrees where it says artifact of just the true artifacts.
    """
    artifact, masks = truth.heldout(heatmaps.ids)
    said = heatmaps.logits.argmax(dim=1).numpy() == CLASSES.index("artifact")
    found = {"classifier_agreement": (said == artifact).astype(np.float64)}
    if artifact.any():
        true = masks[artifact]
        guessed = masks_from(heatmaps.heatmaps[artifact], threshold, masks.shape[-1])
        found["mask_iou"] = intersection_over_union(guessed, true)
        found["mask_iou_chance"] = intersection_over_union(guessed.roll(1, dims=0), true)
    for metric, values in found.items():
        bounds = mean_of(values, settings.counts(len(values)))
        yield Measurement(UNCORRECTED, 0, "heldout", metric, *bounds, len(values))


def _precision(rows: pd.DataFrame) -> tuple[float, int]:
    return average_precision(rows["score"].to_numpy(), rows["true"].to_numpy()), len(rows)


def _by_layer(
    ranking: str, repeat: int, found: dict[str, tuple[float, int]]
) -> Iterator[Measurement]:
    for layer, (value, units) in found.items():
        metric = f"average_precision_{layer}"
        yield Measurement(ranking, repeat, "units", metric, value, images=units)
    mean = float(np.mean([value for value, _ in found.values()]))
    total = sum(units for _, units in found.values())
    yield Measurement(ranking, repeat, "units", "mean_average_precision", mean, images=total)
