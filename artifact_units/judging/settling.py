"""Judgements settled: what share of pairs, how far the raters agree, who passed the controls.

Of each rater, and of all together (``rater`` is empty): there every pair weighs the same, whoever
and however many judged it, and counts as one independent case, so the interval is not too narrow.
A rater who fails a control is counted like the others, and named.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Any

from artifact_units.files.storage import write_text
from artifact_units.files.tables import write_table
from artifact_units.judging.judgements import Judgement, Pair
from artifact_units.judging.statistics import fleiss_kappa, wilson
from artifact_units.labels.raters import cohens_kappa

Given = Mapping[Pair, Mapping[str, Judgement]]  # judgements.latest
NAN = float("nan")
CONSISTENT = 0.8  # of identical pairs: as many must be judged so, or more


@dataclass(frozen=True)
class Row:
    """One result; ``low`` and ``high`` bound the 95 % interval of a share, NaN of a kappa."""

    correction: str
    rater: str  # empty: all
    kind: str  # of the pairs; empty: every kind
    measure: str
    value: float
    low: float
    high: float
    pairs: int  # that the value is of


def _artifact(judgement: Judgement) -> str:
    return judgement.side(judgement.given.artifact)


def _better(judgement: Judgement) -> str:
    return judgement.side(judgement.given.better)


def _gone(judgement: Judgement) -> bool | None:
    seen = _artifact(judgement)
    return seen == "before" if seen in ("before", "both") else None


def _made(judgement: Judgement) -> bool | None:
    seen = _artifact(judgement)
    return seen == "after" if seen in ("after", "neither") else None


def _consistent(judgement: Judgement) -> bool:
    return judgement.given.artifact in ("both", "neither") and judgement.given.same


# Yes, no, or nothing: where there was no artifact, none can be gone.
Question = Callable[[Judgement], bool | None]
GONE: dict[str, Question] = {"gone": _gone, "made": _made}
CORRECTED: dict[str, Question] = {
    **GONE,
    "better": lambda j: _better(j) == "after",
    "same": lambda j: j.given.same,
}
MEASURES: dict[str, dict[str, Question]] = {
    "artifacts": CORRECTED,
    "normals": CORRECTED,
    "control": CORRECTED,
    "identical": {"consistent": _consistent},
    "": {"left": lambda j: j.given.better == "left"},
}
AGREED: dict[str, Callable[[Judgement], str]] = {
    "kappa_artifact": _artifact,
    "kappa_better": _better,
    "kappa_same": lambda j: str(j.given.same),
}


def settle(given: Given) -> list[Row]:
    """Every share and every kappa, of all raters and of each; the shares of all come first."""
    raters = raters_of(given)
    correction = next((j.correction for by in given.values() for j in by.values()), "")
    shares = [row for rater in ["", *raters] for row in _shares(given, correction, rater)]
    return [*shares, *_kappas(given, correction, raters)]


def raters_of(given: Given) -> list[str]:
    """Everybody with a judgement that counts, by name."""
    return sorted({rater for by_rater in given.values() for rater in by_rater})


def controls(rows: Sequence[Row]) -> dict[str, dict[str, bool]]:
    """Rater -> control -> passed; a control that the rater has judged nothing of is left out.

    identical: most identical pairs were judged to be so. side: left and right were preferred
    equally often, by the interval. control: the control correction was not preferred, by it.
    """
    found: dict[str, dict[str, bool]] = {row.rater: {} for row in rows if row.measure == "left"}
    found.pop("", None)
    for row in rows:
        if row.rater not in found:
            continue
        if (row.kind, row.measure) == ("identical", "consistent"):
            found[row.rater]["identical"] = row.value >= CONSISTENT
        if (row.kind, row.measure) == ("", "left"):
            found[row.rater]["side"] = row.low <= 0.5 <= row.high
        if (row.kind, row.measure) == ("control", "better"):
            found[row.rater]["control"] = row.low <= 0.5
    return found


def headline(rows: Sequence[Row]) -> dict[str, Any]:
    """The metrics: shares with intervals, kappas, and of each rater the controls."""
    passed = controls(rows)
    found: dict[str, Any] = {"raters": len(passed)}
    found["raters_passed"] = sum("identical" in of and all(of.values()) for of in passed.values())
    for row in (row for row in rows if not row.rater):
        value = {"value": row.value, "pairs": row.pairs}
        if row.low == row.low:
            value |= {"low": row.low, "high": row.high}
        found.setdefault(row.kind or "all", {})[row.measure] = _rounded(value)
    found["by_rater"] = {
        rater: {"passed": of, **_of_rater(rows, rater)} for rater, of in passed.items()
    }
    return {rows[0].correction: found} if rows else {}


def write(table: Path, metrics: Path, rows: Sequence[Row]) -> None:
    """Both outputs of the stage."""
    columns = {f.name: [getattr(row, f.name) for row in rows] for f in fields(Row)}
    write_table(table, "judged", columns)
    write_text(metrics, json.dumps(headline(rows), indent=2, sort_keys=True) + "\n")


def _of_rater(rows: Sequence[Row], rater: str) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        if row.rater == rater and row.low == row.low:
            found.setdefault(row.kind or "all", {})[row.measure] = row.value
    return {kind: _rounded(of) for kind, of in found.items()}


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {k: v if isinstance(v, int) else float(f"{v:.6g}") for k, v in values.items()}


def _shares(given: Given, correction: str, rater: str) -> Iterator[Row]:
    for kind, questions in MEASURES.items():
        for measure, question in questions.items():
            said = [
                [question(j) for who, j in by_rater.items() if rater in ("", who)]
                for pair, by_rater in given.items()
                if kind in ("", pair.kind)
            ]
            shares = [_mean([a for a in of if a is not None]) for of in said]
            known = [share for share in shares if share is not None]
            if known:
                value = sum(known) / len(known)
                bounds = wilson(value, len(known))
                yield Row(correction, rater, kind, measure, value, *bounds, len(known))


def _mean(values: list[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _kappas(given: Given, correction: str, raters: Sequence[str]) -> Iterator[Row]:
    """Of all raters (Fleiss) and of every two (Cohen), on what they all judged, controls aside."""
    judged = [by for pair, by in given.items() if pair.kind in ("artifacts", "normals")]
    groups = [(raters, "")] if len(raters) > 1 else []
    groups += [(list(two), " and ".join(two)) for two in combinations(raters, 2)]
    for who, name in groups:
        common = [[by[rater] for rater in who] for by in judged if set(who) <= set(by)]
        for measure, answer in AGREED.items():
            said = [[answer(j) for j in of] for of in common]
            cohen = name and cohens_kappa([(a, b) for a, b in said])
            kappa = cohen if name else fleiss_kappa([Counter(of) for of in said])
            if isinstance(kappa, float | int):
                yield Row(correction, name, "", measure, kappa, NAN, NAN, len(common))
