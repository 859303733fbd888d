"""What was found against the truth: rankings against the defective units, masks, the classifier."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from artifact_units.classifier.heatmaps import HeatmapSet, masks_from
from artifact_units.errors import UserError
from artifact_units.evaluation.measurements import Measurement
from artifact_units.evaluation.resampling import interval, mean_of
from artifact_units.evaluation.rows import UNCORRECTED, Settings
from artifact_units.evaluation.truth import (
    Truth,
    average_precision,
    chance_precision,
    intersection_over_union,
)
from artifact_units.labels.verdicts import CLASSES

CHANCE = "chance"  # what a random order can expect


def rankings_agreement(scores: pa.Table, truth: Truth) -> Iterator[Measurement]:
    """Average precision of each ranking in each layer with defective units, and their mean.

    ``scores`` is the table of all rankings (``units.ranked.read_scores``).
    """
    found: dict[tuple[str, int], dict[str, list[tuple[float, bool]]]] = {}
    for row in scores.select(["ranking", "repeat", "layer", "unit", "score"]).to_pylist():
        if row["layer"] in truth.units:
            layers = found.setdefault((row["ranking"], row["repeat"]), {})
            true = row["unit"] in truth.units[row["layer"]]
            layers.setdefault(row["layer"], []).append((row["score"], true))
    if not found:
        raise UserError(
            f"no layer with defective units ({', '.join(truth.units)}) was scored; "
            "add it to collect_featuremaps.layers"
        )
    for (ranking, repeat), layers in found.items():
        precision = {layer: (_precision(rows), len(rows)) for layer, rows in layers.items()}
        yield from _by_layer(ranking, repeat, precision)
    first = next(iter(found.values()))  # every ranking has all layers and units
    sizes = {layer: (len(rows), sum(true for _, true in rows)) for layer, rows in first.items()}
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
        value, resampled = mean_of(values, settings.counts(len(values)))
        bounds = value, *interval(value, resampled)
        yield Measurement(UNCORRECTED, 0, "heldout", metric, *bounds, len(values))


def _precision(rows: list[tuple[float, bool]]) -> float:
    score, true = zip(*rows, strict=True)
    return average_precision(np.array(score), np.array(true))


def _by_layer(
    ranking: str, repeat: int, found: dict[str, tuple[float, int]]
) -> Iterator[Measurement]:
    for layer, (value, units) in found.items():
        metric = f"average_precision_{layer}"
        yield Measurement(ranking, repeat, "units", metric, value, images=units)
    mean = float(np.mean([value for value, _ in found.values()]))
    total = sum(units for _, units in found.values())
    yield Measurement(ranking, repeat, "units", "mean_average_precision", mean, images=total)
