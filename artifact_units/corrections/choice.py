"""Choosing a correction without a truth: by the classifier, on labelled generations alone.

What a candidate costs: the mean artifact probability of corrected artifacts, and, against
corrections that please the classifier by changing everything, ``harm`` times the mean change of
corrected normals (unit range): with harm 10, a change of one part in a thousand weighs as much as
one per cent of probability. The generations are of the classifier's validation split, from the last
id down; featuremaps are collected from the first id up, so few or none were scored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from artifact_units.computing.batches import batched
from artifact_units.computing.transfers import sent
from artifact_units.corrections.correction import Correction, artifact_probability, corrected
from artifact_units.corrections.evidence import CorrectionEvidence
from artifact_units.corrections.sources import correction_of
from artifact_units.errors import UserError
from artifact_units.files.tables import read_table, write_table
from artifact_units.layers.generator import Generator
from artifact_units.registry import options, take
from artifact_units.shapes import Images, Logits

SWEEPS = 3  # at most; the search ends where a sweep changes nothing


@dataclass(frozen=True)
class Candidate:
    """A ranking, a corrector and its options, as one row of correct_generations.corrections."""

    ranking: str
    corrector: str
    options: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, ranking: str, corrector: str, **given: Any) -> Candidate:
        """Of the options given, those that the corrector takes."""
        takes = options(take("correctors", corrector))
        return cls(ranking, corrector, tuple((k, v) for k, v in given.items() if k in takes))


@dataclass(frozen=True)
class Tried:
    """What came of one candidate (None: of no correction); not possible where ``why_not``."""

    candidate: Candidate | None
    correction: Correction
    artifacts: float = np.nan  # mean artifact probability of corrected artifacts
    normals: float = np.nan  # and of corrected normals
    change: float = np.nan  # mean absolute change of corrected normals, unit range
    cost: float = np.inf
    why_not: str = ""


class Judge:
    """Corrects the generations looked at, and asks the classifier about them.

    ``artifacts`` and ``normals`` are their ids; ``harm`` is the weight of the normals' change.
    """

    def __init__(
        self,
        generator: Generator,
        classify: Callable[[Images], Logits],
        artifacts: np.ndarray,
        normals: np.ndarray,
        *,
        batch: int,
        harm: float,
    ) -> None:
        self.generator, self.classify = generator, classify
        self.artifacts, self.normals = artifacts, normals
        self.batch, self.harm = batch, harm
        self.before = self._images(normals, Correction())

    def tried(self, candidate: Candidate | None, correction: Correction) -> Tried:
        """What a correction costs."""
        artifacts, normals = (
            self._images(ids, correction) for ids in (self.artifacts, self.normals)
        )
        change = float((normals.float() - self.before.float()).abs().double().mean() / 255)
        likely, others = self._probability(artifacts), self._probability(normals)
        cost = likely + self.harm * change
        return Tried(candidate, correction, likely, others, change, cost)

    def _images(self, ids: np.ndarray, correction: Correction) -> Images:
        given = {"correction": correction, "classify": self.classify}
        return torch.cat(list(corrected(self.generator, ids, self.batch, **given)))

    @torch.inference_mode()
    def _probability(self, images: Images) -> float:
        device = next(self.generator.network.parameters()).device

        def probability(some: Images) -> torch.Tensor:
            return artifact_probability(self.classify, sent(some, device))

        found = torch.cat(list(batched(images, self.batch, probability)))
        return float(found.double().mean())


def choose(
    judge: Judge,
    grid: Mapping[str, Sequence[Any]],
    evidence_of: Callable[[str], CorrectionEvidence],
) -> list[Tried]:
    """Everything that was tried, in order, no correction first; ``best_of`` says which is chosen.

    ``grid`` has the axes ranking, corrector and the correctors' options. The search goes along
    one axis at a time, from the first value of each.
    """
    found: dict[Candidate | None, Tried] = {None: judge.tried(None, Correction())}

    def cost(point: Mapping[str, Any]) -> float:
        candidate = Candidate.of(**point)
        if candidate not in found:
            found[candidate] = _tried(judge, candidate, evidence_of)
        return found[candidate].cost

    descended(grid, cost)
    return list(found.values())


def best_of(tried: Sequence[Tried]) -> Tried:
    """The cheapest; of equals the first, so that no correction is chosen where none is better."""
    return min(tried, key=lambda t: t.cost)


def how_many(tried: Sequence[Tried]) -> str:
    """How many were tried; of those that were not possible how many, and why the first was not."""
    reasons = [t.why_not for t in tried if t.why_not]
    because = f" ({len(reasons)} not possible: {reasons[0]})" if reasons else ""
    return f"{len(tried)} tried{because}"


def words(tried: Tried) -> str:
    """What was tried and what it costs, in one line."""
    c = tried.candidate
    named = f"{c.corrector} by {c.ranking}, {dict(c.options)}" if c else "no correction"
    return (
        f"{named}: artifact probability {tried.artifacts:.3f} of artifacts, {tried.normals:.3f} "
        f"of normals, which change by {tried.change:.5f}"
    )


def descended(
    grid: Mapping[str, Sequence[Any]], cost: Callable[[Mapping[str, Any]], float]
) -> dict[str, Any]:
    """The point of ``grid`` that a descent along its axes ends in; ``cost`` may be asked again."""
    best = {axis: values[0] for axis, values in grid.items()}
    for _ in range(SWEEPS):
        before = best
        for axis, values in grid.items():
            best = min(({**best, axis: v} for v in [best[axis], *values]), key=cost)
        if best == before:
            break
    return best


def looked_at(path: Path, artifacts: int, normals: int) -> tuple[np.ndarray, np.ndarray]:
    """The last ids of each label of the validation split of the table ``labels``, ascending."""
    table = read_table(path, "labels")
    columns = (table[name].to_pylist() for name in ("id", "label", "split"))
    rows = [(i, label) for i, label, split in zip(*columns, strict=True) if split == "validation"]
    chosen = []
    for label, wanted in (("artifact", artifacts), ("normal", normals)):
        ids = np.array(sorted(i for i, given in rows if given == label), dtype=np.int64)
        if len(ids) < wanted:
            raise UserError(
                f"{path}: {len(ids)} of the validation split are {label}, {wanted} are asked for: "
                f"lower choose_correction.{label}s, or label more"
            )
        chosen.append(ids[-wanted:])
    return chosen[0], chosen[1]


def write_choices(path: Path, tried: Sequence[Tried]) -> None:
    """Write the table ``choices``: what was tried, in order, and which was chosen."""
    best = best_of(tried)
    rows = [t.candidate or Candidate("", "", ()) for t in tried]
    columns: dict[str, Any] = {
        name: [getattr(t, name) for t in tried]
        for name in ("artifacts", "normals", "change", "cost", "why_not")
    }
    columns |= {
        "ranking": [c.ranking for c in rows],
        "corrector": [c.corrector for c in rows],
        "options": [json.dumps(dict(c.options)) for c in rows],
        "chosen": [t is best for t in tried],
    }
    write_table(path, "choices", columns)


def _tried(
    judge: Judge, candidate: Candidate, evidence_of: Callable[[str], CorrectionEvidence]
) -> Tried:
    evidence = evidence_of(candidate.ranking)
    try:
        correction = correction_of(candidate.corrector, dict(candidate.options), evidence)
    except UserError as error:  # such as raw scores above 1 for Algorithm 1
        return Tried(candidate, Correction(), why_not=str(error))
    return judge.tried(candidate, correction)
