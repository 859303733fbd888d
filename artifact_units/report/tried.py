"""The section of the choice without a truth: what was tried, curves through the one chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from artifact_units.report.charts import Curves, curves
from artifact_units.report.data import Results, Rows
from artifact_units.report.words import number

SHOWN = 12  # of the candidates, cheapest first
AXES = {
    "n": "n: units a layer",
    "scale": "λ: scale of the edit",
    "stop": "l: last layer",
    "start": "first layer",
}
Point = Mapping[str, Any]


def section(results: Results) -> dict[str, Any] | None:
    """Table and curves of what choose_correction tried; None where that stage did not run."""
    if results.choices is None:
        return None
    possible = sorted((r for r in results.choices if not r["why_not"]), key=lambda r: r["cost"])
    return {
        "looked": results.params["choose_correction"],
        "tried": sum(bool(row["corrector"]) for row in possible),
        "chosen": chosen_of(results),
        "rows": [_row(r) for r in possible[:SHOWN]],
        "impossible": [f"{candidate(r)}: {r['why_not']}" for r in results.choices if r["why_not"]],
        "chart": chart(possible),
    }


def chosen_of(results: Results) -> str:
    """What choose_correction chose, in words."""
    return next((candidate(row) for row in results.choices or () if row["chosen"]), "unknown")


def ranking_behind(results: Results, name: str) -> str:
    """The ranking that picked a correction's units; empty where it edits none by name."""
    if not any("units" in edit for edit in results.edits(name)[0]["layers"].values()):
        return ""
    entry = results.params["correct_generations"]["corrections"][name]
    if entry["corrector"] != "chosen":
        return entry["ranking"]
    return next((row["ranking"] for row in results.choices or () if row["chosen"]), "")


def candidate(row: Point) -> str:
    """What was tried, in words."""
    if not row["corrector"]:
        return "no correction"
    options = ", ".join(f"{k} {v}" for k, v in json.loads(row["options"]).items())
    return f"{row['corrector']} by {row['ranking']}; {options}".rstrip("; ")


def chart(possible: Rows) -> Markup | None:
    """A panel an axis of the search: the candidates that differ from the best in it alone."""
    of_none = [row for row in possible if not row["corrector"]]
    made = [row for row in possible if row["corrector"]]
    panels = [panel for axis in _axes(made) if (panel := _panel(axis, made))]
    if not panels:
        return None
    lines = {"no correction": of_none[0]["cost"]} if of_none else {}
    said = [f"by {p.title}, {', '.join(map(str, p.places))}: cost " for p in panels]
    costs = [", ".join(map(number, p.series["cost"])) for p in panels]
    return curves(
        "tried", panels, lines, "; ".join(a + b for a, b in zip(said, costs, strict=True))
    )


def _axes(made: Rows) -> list[str]:
    """Options first, in the paper's order; then those that have no number."""
    known = dict.fromkeys(key for row in made for key in _point(row))
    return sorted(known, key=lambda k: list(AXES).index(k) if k in AXES else len(AXES))


def _panel(axis: str, made: Rows) -> Curves | None:
    """The slice through the cheapest that has an axis; None where it has a single value."""
    best = next(point for row in made if axis in (point := _point(row)))
    cheapest: dict[Any, Point] = {}
    for row in made:  # cheapest first
        point = _point(row)
        differs = {k for k in point.keys() & best.keys() if point[k] != best[k]}
        if axis in point and differs <= {axis}:
            cheapest.setdefault(point[axis], row)
    if len(cheapest) < 2:
        return None
    rows = dict(sorted(cheapest.items()))
    series = {
        "cost": [r["cost"] for r in rows.values()],
        "artifact probability": [r["artifacts"] for r in rows.values()],
    }
    title = AXES.get(axis, axis)
    if axis not in _point(made[0]):  # such as the scale, where clipping is best
        title += f" ({best['corrector']})"
    return Curves(title, list(rows), series)


def _point(row: Point) -> dict[str, Any]:
    named = {"ranking": row["ranking"], "corrector": row["corrector"]}
    return json.loads(row["options"]) | named


def _row(row: Point) -> dict[str, Any]:
    values: Sequence[float] = [row[k] for k in ("artifacts", "normals", "change", "cost")]
    return {
        "says": candidate(row),
        "chosen": row["chosen"],
        "reference": not row["corrector"],
        "values": [number(v) for v in values],
    }
