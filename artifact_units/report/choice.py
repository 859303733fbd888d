"""The section of the choice without a truth: what each correction costs, curves of the search."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from artifact_units.report.charts import Curves, curves
from artifact_units.report.data import Results, Rows
from artifact_units.report.words import number

AXES = {
    "n": "n: units a layer",
    "scale": "λ: scale of the edit",
    "stop": "l: last layer",
    "start": "first layer",
}
Point = Mapping[str, Any]


def section(results: Results) -> dict[str, Any]:
    """A row a correction, the cheapest first, and curves of the search of the chosen one."""
    taken = {name: results.taken(name) for name in results.corrections}
    by_cost = sorted(taken, key=lambda name: taken[name]["cost"])
    drawn = next((n for n in [results.chosen, *by_cost] if len(results.tried(n)) > 1), None)
    return {
        "looked": results.params["fit_corrections"],
        "tried": sum(len(results.tried(name)) for name in taken),
        "chosen": results.chosen,
        "rows": [_row(results, name, taken[name]) for name in by_cost],
        "drawn": drawn,
        "impossible": [
            f"{name}, {_options(row)}: {row['why_not']}"
            for name in taken
            for row in results.tried(name)
            if row["why_not"]
        ],
        "chart": chart(results, drawn) if drawn else None,
    }


def ranking_behind(results: Results, name: str) -> str:
    """The ranking that picked a correction's units; empty where it edits none by name."""
    if not any("units" in edit for edit in results.edits(name)[0]["layers"].values()):
        return ""
    return results.params["fit_corrections"]["corrections"][name]["ranking"]


def fitted(results: Results, name: str) -> str:
    """A correction in words, with the options that it was fitted with."""
    entry = results.params["fit_corrections"]["corrections"][name]
    said = f"{entry['corrector']} by {entry['ranking']}"
    gate = [f"gate {entry['gate']:g}"] if entry.get("gate") else []
    return "; ".join(filter(None, [said, _options(results.taken(name)), *gate]))


def is_searched(results: Results, name: str) -> bool:
    """Whether a correction names several values of an option."""
    entry = results.params["fit_corrections"]["corrections"][name]
    return any(isinstance(value, list) for value in entry.values())


def chart(results: Results, name: str) -> Markup | None:
    """A panel an axis of a search: the candidates that differ from the cheapest in it alone."""
    possible = [row for row in results.tried(name) if not row["why_not"]]
    possible.sort(key=lambda row: row["cost"])
    axes = sorted(
        _point(possible[0]), key=lambda k: list(AXES).index(k) if k in AXES else len(AXES)
    )
    panels = [panel for axis in axes if (panel := _panel(axis, possible))]
    if not panels:
        return None
    lines = {"no correction": results.taken("none")["cost"]}
    said = [f"by {p.title}, {', '.join(map(str, p.places))}: cost " for p in panels]
    costs = [", ".join(map(number, p.series["cost"])) for p in panels]
    return curves(
        "tried", panels, lines, "; ".join(a + b for a, b in zip(said, costs, strict=True))
    )


def _panel(axis: str, possible: Rows) -> Curves | None:
    """The slice through the cheapest along one axis; None where it has a single value."""
    best = _point(possible[0])
    cheapest: dict[Any, Point] = {}
    for row in possible:  # cheapest first
        point = _point(row)
        if {k for k in best if point[k] != best[k]} <= {axis}:
            cheapest.setdefault(point[axis], row)
    if len(cheapest) < 2:
        return None
    rows = dict(sorted(cheapest.items()))
    series = {
        "cost": [r["cost"] for r in rows.values()],
        "artifact probability": [r["artifacts"] for r in rows.values()],
    }
    return Curves(AXES.get(axis, axis), list(rows), series)


def _point(row: Point) -> dict[str, Any]:
    return json.loads(row["options"])


def _options(row: Point) -> str:
    return ", ".join(f"{k} {v}" for k, v in _point(row).items())


def _row(results: Results, name: str, taken: Point) -> dict[str, Any]:
    return {
        "name": name,
        "says": "as the generator makes them" if name == "none" else fitted(results, name),
        "chosen": name == results.chosen,
        "tried": len(results.tried(name)),
        "values": [number(taken[k]) for k in ("artifacts", "normals", "change", "cost")],
    }
