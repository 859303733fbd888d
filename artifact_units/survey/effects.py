"""What candidates do: screened on one half of the labelled generations, confirmed on the other.

An effect is by how much an edit lowers the cost of ``corrections.judge``: the mean fall of the
artifact probability of artifacts less, against edits that please a judge by repainting everything,
``harm`` times the mean change of normal generations (unit range). Of the screen's best a few are
confirmed; how well they do there is no longer flattered by having been picked. Their intervals
hold together: Bonferroni's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from artifact_units.classifier.training import area_under_curve
from artifact_units.corrections.correction import Correction
from artifact_units.corrections.judge import Judge, change_of
from artifact_units.evaluation.resampling import draws
from artifact_units.layers.generator import Generator
from artifact_units.shapes import Images, Logits
from artifact_units.survey.candidates import WAYS, Candidate
from artifact_units.survey.judges import Half

SCREEN, CONFIRM = "screen", "confirm"
CHANCE = 0.05  # that any interval of those confirmed leaves its effect out
Corrections = Callable[[Candidate], Correction]


@dataclass(frozen=True)
class Seen:
    """What an edit does to each generation, float64 arrays, one value each."""

    falls: np.ndarray  # [artifact], of the artifact probability
    rises: np.ndarray  # [normal], of the same
    moved: np.ndarray  # [artifact], mean absolute change, unit range
    change: np.ndarray  # [normal], the same


@dataclass(frozen=True)
class Effect:
    """A row of the table ``survey``: what a candidate does to one kind of artifacts of one half."""

    half: str  # SCREEN, CONFIRM
    kind: str  # "": all artifacts
    proposed: str
    way: str
    units: str  # JSON, {layer: [unit]}
    most: int  # units edited of one layer, at most
    fall: float
    rise: float
    moved: float
    change: float
    effect: float
    low: float  # of CONFIRM, NaN of SCREEN
    high: float
    gap: float  # mean artifact probability of artifacts less that of normals, unedited
    auc: float  # how often an artifact's is above a normal's
    artifacts: int
    normals: int


class HalfJudge(Judge):
    """A judge of one half, whose classifier did not learn from it."""

    def __init__(
        self,
        generator: Generator,
        classify: Callable[[Images], Logits],
        half: Half,
        *,
        batch: int,
        harm: float,
    ) -> None:
        ids = half.artifacts, half.normals
        super().__init__(generator, classify, *ids, batch=batch, harm=harm)
        self.broken = self.images(self.artifacts, Correction())
        self.likely, self.others = self.probability(self.broken), self.probability(self.before)

    def seen(self, correction: Correction) -> Seen:
        """What a correction does to each generation."""
        artifacts = self.images(self.artifacts, correction)
        normals = self.images(self.normals, correction)
        return Seen(
            self.likely - self.probability(artifacts),
            self.probability(normals) - self.others,
            change_of(self.broken, artifacts),
            change_of(self.before, normals),
        )


def screened(
    judge: HalfJudge,
    candidates: Sequence[Candidate],
    corrections: Corrections,
    kinds: Mapping[str, np.ndarray],
) -> dict[str, dict[Candidate, Effect]]:
    """What every candidate does, by kind of artifact (name -> ids)."""
    found: dict[str, dict[Candidate, Effect]] = {kind: {} for kind in kinds}
    for candidate in candidates:
        seen = judge.seen(corrections(candidate))
        for kind, ids in kinds.items():
            found[kind][candidate] = _effect(judge, candidate, seen, kind, ids)
    return found


def best_of(screen: Mapping[Candidate, Effect], count: int) -> list[Candidate]:
    """The ``count`` candidates of the largest effects, and that of the largest fall at any harm."""
    by_effect = sorted(screen, key=lambda c: -screen[c].effect)[:count]
    return list(dict.fromkeys([*by_effect, max(screen, key=lambda c: screen[c].fall)]))


def together(
    screen: Mapping[Candidate, Effect], layers: Sequence[str], sizes: Sequence[int]
) -> list[Candidate]:
    """The best single units of the screen as sets of ``sizes``, each way; ``layers`` in order."""
    found = []
    for way in WAYS:
        own = [c for c in screen if c.way == way and c.alone and screen[c].effect > 0]
        best = sorted(own, key=lambda c: -screen[c].effect)
        for size in sizes:
            units = [pair for candidate in best[:size] for pair in candidate.units]
            by_layer = {
                name: sorted(u for layer, (u,) in units if layer == name) for name in layers
            }
            chosen = tuple((name, tuple(mine)) for name, mine in by_layer.items() if mine)
            found += [Candidate(chosen, way, "the screen")] if len(units) > 1 else []
    return found


def confirmed(
    judge: HalfJudge,
    chosen: Mapping[str, Sequence[Candidate]],
    corrections: Corrections,
    kinds: Mapping[str, np.ndarray],
    *,
    resamplings: int,
    seed: int,
) -> list[Effect]:
    """What those chosen for each kind do on the other half, with intervals that hold together."""
    chance = CHANCE / sum(map(len, chosen.values()))
    every = dict.fromkeys(candidate for mine in chosen.values() for candidate in mine)
    seen = {candidate: judge.seen(corrections(candidate)) for candidate in every}
    found = []
    for kind, mine in chosen.items():
        for candidate in mine:
            here = replace(seen[candidate], falls=seen[candidate].falls[_of(judge, kinds[kind])])
            low, high = bounds(here, judge.harm, chance, resamplings, seed)
            effect = _effect(judge, candidate, seen[candidate], kind, kinds[kind])
            found.append(replace(effect, half=CONFIRM, low=low, high=high))
    return found


def bounds(
    seen: Seen, harm: float, chance: float, resamplings: int, seed: int
) -> tuple[float, float]:
    """The bootstrap interval of an effect: artifacts and normals drawn apart, edits in pairs.

    It leaves the effect out with a probability of ``chance``.
    """
    falls = draws(len(seen.falls), resamplings, seed) @ seen.falls / len(seen.falls)
    change = draws(len(seen.change), resamplings, seed + 1) @ seen.change / len(seen.change)
    low, high = np.quantile(falls - harm * change, [chance / 2, 1 - chance / 2])
    return float(low), float(high)


def _effect(
    judge: HalfJudge, candidate: Candidate, seen: Seen, kind: str, ids: np.ndarray
) -> Effect:
    here = _of(judge, ids)
    fall, change = float(seen.falls[here].mean()), float(seen.change.mean())
    units: dict[str, Any] = {layer: list(units) for layer, units in candidate.units}
    return Effect(
        half=SCREEN,
        kind=kind,
        proposed=candidate.proposed,
        way=candidate.way,
        units=json.dumps(units),
        most=candidate.most,
        fall=fall,
        rise=float(seen.rises.mean()),
        moved=float(seen.moved[here].mean()),
        change=change,
        effect=fall - judge.harm * change,
        low=float("nan"),
        high=float("nan"),
        gap=float(judge.likely[here].mean() - judge.others.mean()),
        auc=_auc(judge.likely[here], judge.others),
        artifacts=int(here.sum()),
        normals=len(seen.change),
    )


def _auc(likely: np.ndarray, others: np.ndarray) -> float:
    said = np.concatenate([likely, others])
    return area_under_curve(said, np.arange(len(said)) < len(likely))


def _of(judge: Judge, ids: np.ndarray) -> np.ndarray:
    """Which of the judge's artifacts are of ``ids``, bool."""
    return np.isin(judge.artifacts, ids)
