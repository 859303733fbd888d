"""The section of the paper's hyper-parameter analysis: curves of Algorithm 1 over n, λ and l.

Its table is made by ``make analysis`` and committed, so it can be of another run. It is of this one
where its curves go through what this run measured of the same corrections.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from artifact_units.evaluation.measurements import Summary
from artifact_units.report.charts import Curves, sheet
from artifact_units.report.choice import AXES
from artifact_units.report.data import Results, Rows
from artifact_units.report.findings import UNCORRECTED, Findings
from artifact_units.report.words import listed, metric, number

SHOWN = 3  # corrections: as many as curves can be told apart
NEAR = 1e-3  # relative: another machine's last digits differ, another run's first ones do
NAMED = {"frechet": ("frechet", "fid")}  # in the table and, by their beginnings, in a run
Curve = Mapping[tuple[str, str, str], Rows]  # (correction, parameter, metric) -> its points


def section(results: Results, found: Findings) -> dict[str, Any] | None:
    """The curves, and the values they go through; None where they are not of this run."""
    points: defaultdict[tuple[str, str, str], Rows] = defaultdict(list)
    for row in results.analysis:
        points[row["correction"], row["parameter"], row["metric"]].append(row)
    entries = results.params["fit_corrections"]["corrections"]
    if not points or not all(_is_of(found, entries, own) for own in points.values()):
        return None
    keys = zip(*points, strict=True)
    corrections, parameters, metrics = (list(dict.fromkeys(key)) for key in keys)
    panels = {
        title(found, m): [_panel(points, corrections[:SHOWN], p, m) for p in parameters]
        for m in metrics
    }
    before = {m: measured(found, UNCORRECTED, m) for m in metrics}
    lines = {title(found, m): {"no correction": b.value} for m, b in before.items() if b}
    return {
        "corrections": listed([f"“{name}”" for name in corrections[:SHOWN]]),
        "chart": sheet("analysis", panels, lines, _says(panels)),
    }


def _is_of(found: Findings, entries: Mapping[str, Any], curve: Rows) -> bool:
    """Whether a curve goes through what was measured at the parameter's own value."""
    name, parameter, of = (curve[0][key] for key in ("correction", "parameter", "metric"))
    own, known = entries.get(name, {}).get(parameter), measured(found, name, of)
    return known is not None and any(
        row["at"] == own and math.isclose(row["value"], known.value, rel_tol=NEAR) for row in curve
    )


def measured(found: Findings, correction: str, of: str) -> Summary | None:
    """What this run measured of a correction, by the metric's name in the table."""
    return found.get(correction, _name(found, of), _population(of))


def _name(found: Findings, of: str) -> str:
    """The run's name of a metric: an extractor's follows, and against the reals is meant."""
    names = [m for m in found.metrics(_population(of)) if not m.endswith("_reference")]
    return next((m for m in names if m.startswith(NAMED.get(of, (of,)))), "")


def _population(of: str) -> str:
    return "normals" if of == "psnr" else "artifacts"


def title(found: Findings, of: str) -> str:
    """Of a metric, by its name in the table."""
    return metric(_name(found, of)).title + (" of normals" if of == "psnr" else "")


def _panel(points: Curve, corrections: list[str], parameter: str, of: str) -> Curves:
    curves = {name: sorted(points[name, parameter, of], key=_at) for name in corrections}
    values = {name: [row["value"] for row in rows] for name, rows in curves.items()}
    bounds = {name: [(row["low"], row["high"]) for row in rows] for name, rows in curves.items()}
    places = [row["at"] for row in curves[corrections[0]]]
    return Curves(AXES.get(parameter, parameter), places, values, bounds)


def _at(row: Mapping[str, Any]) -> Any:
    return row["at"]


def _says(panels: Mapping[str, list[Curves]]) -> str:
    return "; ".join(
        f"{title} of {name} by {panel.title}, {', '.join(map(str, panel.places))}: "
        + ", ".join(map(number, values))
        for title, row in panels.items()
        for panel in row
        for name, values in panel.series.items()
    )
