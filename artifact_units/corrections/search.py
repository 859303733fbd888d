"""Fitting a correction: its options as they stand, or the best of several values of some.

Every correction is searched alike: axis by axis from the first value of each, by what ``judge.py``
counts as cost, with the same budget of candidates. A single candidate is judged too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from artifact_units.corrections.correction import Correction
from artifact_units.corrections.evidence import CorrectionEvidence
from artifact_units.corrections.judge import Judge, Judged, least_change
from artifact_units.corrections.sources import correction_of
from artifact_units.errors import UserError
from artifact_units.files.tables import write_table

SWEEPS = 3  # at most; the search ends where a sweep changes nothing
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """A corrector and its options; an option that is a list of values is searched."""

    corrector: str
    options: Options = field(default_factory=dict)
    gate: float = 0.0

    @property
    def axes(self) -> dict[str, list[Any]]:
        """The values of every option."""
        return {k: v if isinstance(v, list) else [v] for k, v in self.options.items()}

    def made(self, options: Options, evidence: CorrectionEvidence) -> Correction:
        """The correction with one value of each option."""
        return correction_of(self.corrector, options, evidence, self.gate)


@dataclass(frozen=True)
class Tried:
    """What came of one candidate; not possible where ``why_not``."""

    options: Options
    judged: Judged | None = None
    why_not: str = ""

    @property
    def cost(self) -> float:
        """What it costs; infinite where it is not possible."""
        return self.judged.cost if self.judged else np.inf


def searched(judge: Judge, plan: Plan, evidence: CorrectionEvidence, budget: int) -> list[Tried]:
    """At most ``budget`` candidates of a plan, in the order in which they were tried.

    A UserError of a plan of which no candidate is possible says why the first is not.
    """
    found: dict[str, Tried] = {}

    def cost(point: Options) -> float:
        key = json.dumps(point, sort_keys=True)
        if key not in found:
            if len(found) == budget:
                return np.inf
            found[key] = _tried(judge, plan, point, evidence)
        return found[key].cost

    descended(plan.axes, cost)
    tried = list(found.values())
    if all(t.judged is None for t in tried):
        raise UserError(tried[0].why_not)
    return tried


def fitted(tried: Sequence[Tried]) -> tuple[Tried, Judged]:
    """The best of what was tried (``judge.least_change``), and what it costs."""
    possible = [(t, t.judged) for t in tried if t.judged]
    return possible[least_change([judged for _, judged in possible])]


def descended(axes: Mapping[str, Sequence[Any]], cost: Callable[[Options], float]) -> Options:
    """The point that a descent along the axes ends in; ``cost`` may be asked again."""
    best: Options = {axis: values[0] for axis, values in axes.items()}
    least = cost(best)
    for _ in range(SWEEPS):
        before = best
        for axis, values in axes.items():
            for value in values:
                point = {**best, axis: value}
                if (asked := cost(point)) < least:
                    best, least = point, asked
        if best == before:
            break
    return best


def words(tried: Tried) -> str:
    """What was tried and what it costs, in one line."""
    options = ", ".join(f"{k} {v}" for k, v in tried.options.items()) or "as it is"
    if tried.judged is None:
        return f"{options}: {tried.why_not}"
    j = tried.judged
    return (
        f"{options}: artifact probability {j.artifacts.mean():.3f} of artifacts, "
        f"{j.normals.mean():.3f} of normals, which change by {j.change.mean():.5f}"
    )


def write_tried(path: Path, tried: Sequence[Tried], best: Tried) -> None:
    """Write the table ``tried``: the candidates in order, and which was taken."""

    def mean(name: str) -> list[float]:
        return [float(getattr(t.judged, name).mean()) if t.judged else np.nan for t in tried]

    columns: dict[str, Any] = {name: mean(name) for name in ("artifacts", "normals", "change")}
    columns |= {
        "options": [json.dumps(dict(t.options)) for t in tried],
        "cost": [t.cost for t in tried],
        "taken": [t is best for t in tried],
        "why_not": [t.why_not for t in tried],
    }
    write_table(path, "tried", columns)


def _tried(judge: Judge, plan: Plan, point: Options, evidence: CorrectionEvidence) -> Tried:
    try:
        correction = plan.made(point, evidence)
    except UserError as error:  # such as raw scores above 1 for Algorithm 1
        return Tried(point, why_not=str(error))
    return Tried(point, judge.judged(correction))
