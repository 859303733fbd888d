"""The section of the corrections: the paper's table in its shape, what its columns mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from artifact_units.evaluation.measurements import Summary
from artifact_units.report.charts import Dot, dots
from artifact_units.report.choice import fitted, is_searched
from artifact_units.report.data import Results
from artifact_units.report.findings import UNCORRECTED, Findings
from artifact_units.report.words import (
    Metric,
    features_of,
    has_words,
    interval,
    listed,
    metric,
    number,
    percent,
)

# Columns of the three tables, by the beginnings of their metrics' names.
NEAR = ("recovery", "pixel_recovery", "fid", "frechet", "kid", "kernel", "realism")
FAR = ("inside", "outside", "psnr", "changed", "unchanged", "perceptual", "precision", "recall")
FAR += ("realistic",)
HARM = (
    "psnr",
    "outside",
    "changed",
    "unchanged",
    "perceptual",
    "fid",
    "frechet",
    "kid",
    "kernel",
    "realism",
    "precision",
    "recall",
)


def section(results: Results, found: Findings) -> dict[str, Any]:
    """Tables of artifacts and normals, notes on every metric, the chart."""
    near, far = (_columns(found.metrics("artifacts"), wanted) for wanted in (NEAR, FAR))
    normals = _columns(found.metrics("normals"), HARM)
    of_goal = [found.get(c, found.goal) for c in found.corrections]
    tables = [
        _table(
            "Artifact generations: how near to what they should be",
            near,
            "artifacts",
            results,
            found,
        ),
        _table(
            "Artifact generations: how much changed, and where", far, "artifacts", results, found
        ),
        _table(
            "Normal generations given the same correction: the harm",
            normals,
            "normals",
            results,
            found,
        ),
    ]
    return {
        "images": max((v.images for v in of_goal if v), default=0),
        "repeated": _repeated(found),
        "tables": [t for t in tables if t["metrics"]],
        "notes": _notes([*map(metric, [*near, *far]), *(metric(n, "normals") for n in normals)]),
        "chart": _chart(found),
    }


def cell(value: Summary | None, best: bool = False) -> dict[str, Any] | None:
    """A cell of a table: the value and its interval, as written."""
    if value is None:
        return None
    return {"value": number(value.value), "interval": interval(value.low, value.high), "best": best}


def describe(name: str, results: Results) -> str:
    """One row of fit_corrections.corrections in words, with the options that it was fitted with."""
    if name == UNCORRECTED:
        return "as the generator makes them"
    kept = (results.edits(name)[0]["latent"] or {}).get("acceptance")
    accepted = f"the classifier accepts {percent(kept)} of the draws" if kept else ""
    searched = "searched" if is_searched(results, name) else ""
    chosen = "the choice without a truth" if name == results.chosen else ""
    return "; ".join(filter(None, [fitted(results, name), accepted, searched, chosen]))


def _table(
    title: str, names: Sequence[str], population: str, results: Results, found: Findings
) -> dict[str, Any]:
    known = results.corrections
    rows = []
    for correction in [*found.corrections, *found.references]:
        values = [found.get(correction, name, population) for name in names]
        if not any(values):
            continue
        best = [found.is_best(correction, name, population) for name in names]
        cells = [cell(v, b) for v, b in zip(values, best, strict=True)]
        images = max(v.images for v in values if v)
        says = describe(correction, results) if correction in known else "known truth"
        reference = correction == UNCORRECTED or correction in found.references
        rows.append(
            {
                "name": correction,
                "says": says,
                "cells": cells,
                "images": images,
                "reference": reference,
            }
        )
    return {"title": title, "metrics": [_head(n, population) for n in names], "rows": rows}


def _head(name: str, population: str) -> dict[str, str]:
    known = metric(name, population)
    arrow = {"lower": "↓ lower is better", "higher": "↑ higher is better"}.get(known.better, "")
    return {"title": known.title, "features": features_of(name), "better": arrow}


def _columns(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Those of ``names`` that begin with a wanted word (of several words, the first).

    What nobody has words for comes last: a new metric of the shelf is a distance to the reals.
    """
    strange = [n for n in names if not has_words(n) and wanted is not FAR]
    place = {
        n: k for n in reversed(names) for k, w in enumerate(wanted) if f"{n}_".startswith(f"{w}_")
    }
    return [*sorted(place, key=lambda n: (place[n], -len(n))), *strange]


def _repeated(found: Findings) -> str:
    values = {c: found.get(c, found.goal) for c in found.corrections}
    return listed([f"{c} ({v.repeats} repeats)" for c, v in values.items() if v and v.repeats > 1])


def _notes(metrics: Sequence[Metric]) -> list[dict[str, str]]:
    notes: dict[str, str] = {}
    for known in metrics:
        notes.setdefault(known.says, known.title)  # one metric of two references is explained once
    return [{"title": title, "text": says} for says, title in notes.items() if says]


def _chart(found: Findings) -> Markup:
    rows = [c for c in found.corrections if c != UNCORRECTED]
    recovery, distance = found.first("recovery"), found.first("fid", "frechet")
    wanted = [recovery, "pixel_recovery"] if recovery else [distance, found.first("realism")]
    panels, lines = {}, {}
    for name, population in [*((w, "artifacts") for w in wanted if w), ("psnr", "normals")]:
        if name not in found.metrics(population):
            continue
        title = metric(name).title + (" of normals" if population == "normals" else "")
        panels[title] = [_dot(c, found.get(c, name, population)) for c in rows]
        lines[title] = _lines(found, name) if population == "artifacts" else {}
    says = "; ".join(
        f"{title}: {', '.join(f'{d.name} {number(d.value)}' for d in panel)}"
        for title, panel in panels.items()
    )
    return dots("corrections", panels, lines, says)


def _dot(name: str, value: Summary | None) -> Dot:
    if value is None:
        return Dot(name, math.nan, math.nan, math.nan)
    return Dot(name, value.value, value.low, value.high)


def _lines(found: Findings, name: str) -> dict[str, float]:
    if "recovery" in name:
        return {"uncorrected": 0.0, "clean": 1.0}
    before = found.get(UNCORRECTED, name)
    return {"uncorrected": before.value} if before else {}
