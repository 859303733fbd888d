"""The whole survey of a run, from what its stages left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from artifact_units.corrections.correction import Correction
from artifact_units.images.image_sets import open_images
from artifact_units.layers.generator import Generator
from artifact_units.shapes import PerUnit
from artifact_units.survey.candidates import WAYS, Candidate, Ranges, candidates
from artifact_units.survey.effects import HalfJudge, best_of, confirmed, screened, together
from artifact_units.survey.finding import Survey
from artifact_units.survey.judges import Half, Labels, halves, judge_of, kinds_of, read_labels
from artifact_units.units.featuremaps import open_featuremaps, read_ids
from artifact_units.units.ranked import read_ranking
from artifact_units.units.tallies import tallied, usual_range

TAIL = 0.005  # of the values in normal generations; beyond it is not their range


@dataclass(frozen=True)
class Known:
    """A run: its folder of results, its generator, all of its params.yaml."""

    results: Path
    generator: Generator
    values: Mapping[str, Any]
    folder: Path  # for what is mapped into memory while judges learn
    device: torch.device


def survey(known: Known, asked: Mapping[str, Any], say: Callable[[str], None]) -> Survey:
    """Screen on one half, confirm on the other; ``asked`` are the values of the survey.

    ``say`` is told what it costs before it begins.
    """
    labels = read_labels(known.results / "label_generations" / "labels.parquet")
    screen, confirm = halves(labels)
    kinds = kinds_of(labels, (screen, confirm))
    looked = screen.at_most(asked["images"], kinds.values())
    tried, left_out = _candidates(known, asked)
    more = len(kinds) * len(asked["sizes"]) * len(WAYS)  # the best units together
    few = len(kinds) * (asked["confirmed"] + 1)
    say(_cost(len(tried) + more, left_out, looked, confirm, few))

    ranges = _ranges(known.results / "collect_featuremaps" / "featuremaps", screen.normals)

    def corrections(candidate: Candidate) -> Correction:
        return candidate.correction(ranges, asked["up"])

    harm, seed = asked["harm"], asked["seed"]
    first, first_auc = _judge(known, labels, screen, looked, seed, harm)
    second, second_auc = _judge(known, labels, confirm, confirm, seed + 1, harm)
    found = screened(first, tried, corrections, kinds)
    for kind, effects in found.items():
        more = together(effects, _layers(known, asked), asked["sizes"])
        effects |= screened(first, more, corrections, {kind: kinds[kind]})[kind]
    chosen = {kind: best_of(effects, asked["confirmed"]) for kind, effects in found.items()}
    drawn = {"resamplings": asked["bootstrap"], "seed": seed}
    kept = confirmed(second, chosen, corrections, kinds, **drawn)
    every = [*(effect for effects in found.values() for effect in effects.values()), *kept]
    return Survey(every, asked["least"], harm, left_out, first_auc, second_auc)


def _judge(
    known: Known, labels: Labels, half: Half, looked: Half, seed: int, harm: float
) -> tuple[HalfJudge, float]:
    """A judge of some of a half, that learnt from the other; its AUC on the whole half."""
    folders = known.results / "sample_generations" / "labelled", known.results / "read_reals"
    sets = open_images(folders[0]), open_images(folders[1])
    values = known.values["train_classifier"]
    classifier, area = judge_of(half, labels, sets, values, seed, known.folder, known.device)
    batch = known.values["run"]["batch"]
    return HalfJudge(known.generator, classifier, looked, batch=batch, harm=harm), area


def _candidates(known: Known, asked: Mapping[str, Any]) -> tuple[list[Candidate], int]:
    """By all rankings of the run; of a seeded one, its first repeat."""
    folder = known.results / "score_units"
    names = known.values["score_units"]["rankings"]
    rankings = {name: read_ranking(folder / f"{name}.parquet")[0] for name in names}
    return candidates(rankings, _layers(known, asked), asked["sizes"], asked["candidates"])


def _layers(known: Known, asked: Mapping[str, Any]) -> list[str]:
    """Those asked for, or all that were collected."""
    return asked["layers"] or known.values["collect_featuremaps"]["layers"]


def _ranges(folder: Path, normals: np.ndarray) -> Ranges:
    """The usual range of a layer's units in those of ``normals`` that were collected."""
    rows = torch.from_numpy(np.isin(read_ids(folder), normals))

    @cache
    def ranges(layer: str) -> tuple[PerUnit, PerUnit]:
        return usual_range(
            tallied(open_featuremaps(folder, layer, torch.device("cpu"))[rows]), TAIL
        )

    return ranges


def _cost(tried: int, left_out: int, looked: Half, confirm: Half, few: int) -> str:
    """What is about to be computed, at most."""
    each, other = (len(h.artifacts) + len(h.normals) for h in (looked, confirm))
    left = f" ({left_out} left out)" if left_out else ""
    return (
        f"at most {tried} candidates{left} on {each} generations each, then {few} on {other}: "
        f"{tried * each + few * other:,} edited generations; two classifiers learn first"
    )
