"""A ranking of all layers as one table: scored, ranked, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from artifact_units import registry
from artifact_units.computing.batches import in_room
from artifact_units.errors import UserError
from artifact_units.files.schemas import SCHEMAS
from artifact_units.files.tables import write_table
from artifact_units.units.evidence import Evidence, UnitScores
from artifact_units.units.sources import Sources


@dataclass(frozen=True)
class RankingPlan:
    """One ranking to compute: a file of the shelf, how often it draws, its options."""

    ranking: str
    repeats: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)


def score_layers(
    sources: Sources, name: str, plan: RankingPlan, *, quantile: float, bootstrap: int, seed: int
) -> dict[str, np.ndarray]:
    """The columns of the table ``scores`` of one ranking, in the order of repeat, layer and unit.

    Layers go as in the network; one is in memory at a time.
    """
    blocks: dict[tuple[int, int], dict[str, Any]] = {}
    for place, layer in enumerate(sources.layers):
        evidence = sources.evidence(layer, quantile=quantile, seed=seed)
        for repeat in range(plan.repeats):
            found = _columns(replace(evidence, repeat=repeat), plan, bootstrap)
            blocks[repeat, place] = found | {
                "ranking": np.full(len(found["score"]), name, dtype=object),
            }
    ordered = [blocks[key] for key in sorted(blocks)]
    return {name: np.concatenate([b[name] for b in ordered]) for name in SCHEMAS["scores"].names}


def rank_of(score: np.ndarray) -> np.ndarray:
    """1 for the most defective unit, and so on; of equal ones the lower index comes first."""
    rank = np.empty(len(score), np.int32)
    rank[np.argsort(-score, kind="stable")] = np.arange(1, len(score) + 1)
    return rank


def interval(per_image: np.ndarray, bootstrap: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """95 % bootstrap interval of the mean over images, of ``per_image`` ``[image, unit]``.

    Every unit and ranking with as many images sees the same resamplings.
    """
    images = len(per_image)
    stream = np.random.RandomState(seed)
    weights = stream.multinomial(images, np.full(images, 1 / images), size=bootstrap) / images
    low, high = np.quantile(weights @ per_image, [0.025, 0.975], axis=0)
    return low, high


def write_scores(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    """Write the table ``scores``."""
    write_table(path, "scores", columns)


def _columns(evidence: Evidence, plan: RankingPlan, bootstrap: int) -> dict[str, Any]:
    ranking = registry.take("rankings", plan.ranking)
    with in_room(f"{plan.ranking} of {evidence.layer}", "collect_featuremaps.images to fewer"):
        found: UnitScores = ranking(evidence, **plan.options)
    score = np.asarray(found.score, np.float64)
    units = len(score)
    if not np.isfinite(score).all():
        unit = int(np.flatnonzero(~np.isfinite(score))[0])
        raise UserError(f"{plan.ranking}: the score of {evidence.layer} unit {unit} is not finite")
    unknown = np.full(units, np.nan)
    low, high = unknown, unknown
    if found.per_image is not None and bootstrap:
        low, high = interval(found.per_image, bootstrap, evidence.seed)
    return {
        "repeat": np.full(units, evidence.repeat, np.int16),
        "layer": np.full(units, evidence.layer, dtype=object),
        "unit": np.arange(units, dtype=np.int32),
        "score": score,
        "rank": rank_of(score),
        "mean_iou": unknown if found.mean_iou is None else found.mean_iou,
        "chance_iou": unknown if found.chance_iou is None else found.chance_iou,
        "images": np.full(units, found.images, np.int32),
        "score_low": low,
        "score_high": high,
    }
