"""The section of the units: a strip of all scores, the rankings against the truth, cards."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from artifact_units.errors import UserError
from artifact_units.report.charts import Cell, strip
from artifact_units.report.corrections import cell
from artifact_units.report.data import Results
from artifact_units.report.findings import Findings
from artifact_units.report.gallery import Gallery
from artifact_units.report.words import interval, number

Scores = Sequence[Mapping[str, Any]]  # rows of the table of scores
Planted = Mapping[str, Sequence[int]]  # layer -> units known to be defective


def ranking_of(results: Results) -> str:
    """The ranking that the section shows: the first that looks at masks, else the first."""
    if not results.scores:
        raise UserError("the table of scores is empty; run score_units")
    names = list(results.params["score_units"]["rankings"])
    looking = {row["ranking"] for row in results.scores if math.isfinite(row["mean_iou"])}
    return next((name for name in names if name in looking), names[0])


def section(results: Results, found: Findings, gallery: Gallery) -> dict[str, Any]:
    """Everything the page says of units."""
    name = ranking_of(results)
    mine = [row for row in results.scores if row["ranking"] == name and row["repeat"] == 0]
    planted = results.truth.units if results.truth else {}
    return {
        "ranking": name,
        "units": len(mine),
        "layers": len({row["layer"] for row in mine}),
        "images": max(row["images"] for row in mine),
        "quantile": f"{results.params['score_units']['quantile']:g}",
        "strip": _strip(mine, planted),
        "precision": _precision(found),
        "cards": _cards(mine, planted, results, gallery),
    }


def _strip(mine: Scores, planted: Planted) -> Markup:
    layers: dict[str, list[Cell]] = defaultdict(list)  # the table has them in network order
    for row in mine:
        layers[row["layer"]].append(Cell(row["unit"], row["score"], _known(row, planted)))
    for cells in layers.values():
        cells.sort(key=lambda c: -c.score)
    best = [
        f"{layer} unit {cells[0].unit} with {number(cells[0].score)}"
        for layer, cells in layers.items()
    ]
    says = f"Scores of all units by layer and rank. Best of each layer: {', '.join(best)}"
    return strip("scores", layers, says)


def _precision(found: Findings) -> dict[str, Any] | None:
    names = sorted(found.metrics("units"), key=lambda n: n != "mean_average_precision")
    rankings = list(dict.fromkeys(c for c, population, _ in found.values if population == "units"))
    if not names:
        return None
    values = {(r, n): found.get(r, n, "units") for r in rankings for n in names}
    best = {n: max((v.value for r in rankings if (v := values[r, n])), default=0.0) for n in names}
    columns = [n.replace("mean_average_precision", "mean") for n in names]
    return {
        "columns": [c.replace("average_precision_", "") for c in columns],
        "rows": [
            {
                "name": r,
                "cells": [
                    cell(v := values[r, n], v is not None and v.value == best[n]) for n in names
                ],
            }
            for r in rankings
        ],
    }


def _cards(
    mine: Scores, planted: Planted, results: Results, gallery: Gallery
) -> list[dict[str, Any]]:
    sizes = Counter(row["layer"] for row in mine)
    worst = sorted(mine, key=lambda row: -row["score"])[: results.params["report"]["units"]]
    return [
        {
            "title": f"{row['layer']}, unit {row['unit']}",
            "mark": ("planted defect" if _known(row, planted) else "not planted")
            if planted
            else "",
            "facts": _facts(row, sizes[row["layer"]]),
            "pictures": gallery.unit(row["layer"], row["unit"]),
        }
        for row in worst
    ]


def _known(row: Mapping[str, Any], planted: Planted) -> bool:
    return row["unit"] in planted.get(row["layer"], ())


def _facts(row: Mapping[str, Any], units: int) -> str:
    span = interval(row["score_low"], row["score_high"])
    said = [f"score {number(row['score'])}" + (f" ({span})" if span else "")]
    if math.isfinite(row["chance_iou"]):
        said.append(f"chance {number(row['chance_iou'])}")
    return " · ".join([*said, f"rank {row['rank']} of {units} in its layer"])
