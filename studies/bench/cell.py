"""One cell of the bench: a planting, a set of labels, everything measured of every method."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from artifact_units.classifier.training import area_under_curve
from artifact_units.computing.elementwise import logsumexp
from artifact_units.corrections import search
from artifact_units.corrections.correction import Correction, corrected, text_of
from artifact_units.corrections.judge import Judged
from artifact_units.evaluation.changes import changes_between
from artifact_units.evaluation.truth import (
    average_precision,
    chance_precision,
    intersection_over_union,
)
from artifact_units.metrics import frechet
from artifact_units.shapes import Images
from studies.bench.costs import COSTS
from studies.bench.learned import Learned
from studies.bench.likeness import dissimilarity
from studies.bench.methods import CHOICE, METHODS, RANKINGS
from studies.bench.settings import BATCH
from studies.bench.stand import Stand

Searches = dict[str, tuple[search.Tried, Judged]]  # by the method's name; each is made once

GATED = "_gated"


@dataclass(frozen=True)
class Found:
    """One number of a cell: of a ranking, a method, or the planting itself."""

    method: str
    metric: str
    value: float
    note: str = ""


def found_of(stand: Stand, seed: int, error: float) -> list[Found]:
    """Everything that is measured at one label error."""
    learned = Learned(stand, seed, error)
    return [*planting(stand), *classifier(learned), *rankings(learned), *corrections(learned)]


def planting(stand: Stand) -> Iterator[Found]:
    """How often and how much; the noise of the Frechet distance; the ceilings."""
    _, seen = stand.labelled
    yield Found("planting", "artifacts", float(seen.artifact.mean()))
    yield Found("planting", "area", float(np.median(seen.areas[seen.artifact])))
    halves = frechet.measure(stand.reference[::2], stand.reference[1::2])["frechet"]
    yield Found("planting", "noise", halves)
    for name, frechet_distance in stand.ends.items():
        yield Found(name, "frechet", frechet_distance)
    for name, images in stand.ceilings.items():
        for metric, value in measured(stand, images).items():
            yield Found(name, metric, value)


def classifier(learned: Learned) -> Iterator[Found]:
    """Its AUC on held-out generations, and how well its masks fit."""
    heldout = learned.stand.heldout
    logits = learned.logits(torch.cat([beside.broken for beside in heldout.values()]))
    odds = (logits[:, 0].double() - logsumexp(logits[:, 1:])).numpy()
    artifact = np.arange(len(odds)) < len(heldout["artifacts"].ids)
    yield Found("classifier", "auc", area_under_curve(odds, artifact))
    _, seen = learned.stand.labelled
    true = seen.artifact[learned.collected]
    for which in ("last", "fine"):
        iou = intersection_over_union(learned.masks(which)[true], learned.masks("true")[true])
        yield Found(f"masks_{which}", "mask_iou", float(iou.mean()))


def rankings(learned: Learned) -> Iterator[Found]:
    """Average precision of each ranking, by layer with true units and in the mean."""
    units = learned.stand.planted.units
    for name, plan in RANKINGS.items():
        repeats = range(learned.settings.repeats if plan.random else 1)
        found = {
            layer: np.mean([_precision(learned, name, r, layer, own) for r in repeats])
            for layer, own in units.items()
        }
        yield from _by_layer(name, found)
    sizes = {layer: learned.stand.featuremaps[layer].shape[1] for layer in units}
    yield from _by_layer(
        "chance", {k: chance_precision(n, len(units[k])) for k, n in sizes.items()}
    )


def corrections(learned: Learned) -> Iterator[Found]:
    """Everything measured of every correction; of a random ranking, the mean over repeats.

    ``chosen`` is the choice without a truth, ``chosen_gated`` the same for what the classifier
    calls an artifact.
    """
    searches: Searches = {}
    for name in learned.settings.methods:
        if name in METHODS:
            made, note = _fitted(learned, name, searches), ""
        else:
            correction, note = _chosen(learned, searches, name.removesuffix(GATED))
            made = [replace(correction, gate=0.5) if name.endswith(GATED) else correction]
        found = [_measured(learned, each) for each in made]
        for metric in found[0]:
            yield Found(name, metric, float(np.mean([f[metric] for f in found])), note)


def measured(stand: Stand, images: dict[str, Images]) -> dict[str, float]:
    """What corrected held-out generations are measured by.

    recovery: in the Frechet distance to the clean generator's distribution at other latents, in
    the scene encoder. pixel_recovery: 1 - |corrected - clean| / |broken - clean| over artifacts.
    unlike: structural dissimilarity from the clean twin outside the true mask. psnr: dB of the
    change of normal generations, their median. unchanged: the share without a changed pixel.
    """
    artifacts, normals = stand.heldout["artifacts"], stand.heldout["normals"]
    distance = stand.frechet(images["artifacts"])
    broken, clean = stand.ends["broken"], stand.ends["clean"]
    changes = changes_between(
        artifacts.broken, images["artifacts"], artifacts.masks, artifacts.clean
    )
    unlike = dissimilarity(images["artifacts"], artifacts.clean, artifacts.masks)
    moved = changes_between(normals.broken, images["normals"], normals.masks, normals.clean)
    return {
        "frechet": distance,
        "recovery": (broken - distance) / (broken - clean),
        "pixel_recovery": float(1 - changes.error.sum() / changes.damage.sum()),
        "unlike": float(unlike.mean()),
        "psnr": float(np.median(moved.psnr)),
        "unchanged": float((moved.changed == 0).mean()),
    }


def _measured(learned: Learned, correction: Correction) -> dict[str, float]:
    """What a correction does to held-out generations; computed once, as many end in the same."""
    stand = learned.stand
    key = text_of([correction])
    if correction.gate or key not in stand.known:  # with a gate, the classifier is part of it
        made = partial(corrected, correction=correction, classify=learned.logits)
        images = {
            name: torch.cat(list(made(stand.broken, beside.ids, BATCH)))
            for name, beside in stand.heldout.items()
        }
        stand.known[key] = measured(stand, images)
    return stand.known[key]


def _fitted(learned: Learned, name: str, searches: Searches) -> list[Correction]:
    """A method's correction, one a repeat of a random ranking."""
    method, plan = METHODS[name], _plan(learned, name)
    repeats = learned.settings.repeats if RANKINGS[method.ranking].random else 1
    evidence = [learned.corrector_evidence(method.ranking, repeat) for repeat in range(repeats)]
    options = plan.options
    if any(isinstance(value, list) for value in options.values()):
        options = _searched(learned, name, searches)[0].options
    return [plan.made(options, each) for each in evidence]


def _plan(learned: Learned, name: str) -> search.Plan:
    method = METHODS[name]
    options = dict(method.options)
    if method.true_n:
        options["n"] = max(map(len, learned.stand.planted.units.values()))
    return search.Plan(method.corrector, options, method.gate)


def _searched(learned: Learned, name: str, searches: Searches) -> tuple[search.Tried, Judged]:
    if name not in searches:
        evidence = learned.corrector_evidence(METHODS[name].ranking)
        budget = learned.settings.budget
        tried = search.searched(learned.judge, _plan(learned, name), evidence, budget)
        searches[name] = search.fitted(tried)
    return searches[name]


def _chosen(learned: Learned, searches: Searches, cost: str) -> tuple[Correction, str]:
    """What the choice by a cost falls on, and in words."""
    fits = []
    for name in CHOICE:
        tried, judged = _searched(learned, name, searches)
        evidence = learned.corrector_evidence(METHODS[name].ranking)
        fits.append((_plan(learned, name).made(tried.options, evidence), judged))
    place = COSTS[cost](learned, fits)
    name = CHOICE[place]
    return fits[place][0], f"{name}: {search.words(searches[name][0])}"


def _precision(learned: Learned, ranking: str, repeat: int, layer: str, own: list[int]) -> float:
    scores = learned.scores(ranking, repeat)[layer]
    return average_precision(scores, np.isin(np.arange(len(scores)), own))


def _by_layer(name: str, found: dict[str, Any]) -> Iterator[Found]:
    for layer, value in found.items():
        yield Found(name, f"average_precision_{layer}", float(value))
    yield Found(name, "average_precision", float(np.mean(list(found.values()))))
