"""The section of other trainings: how far the values move that the sampling intervals hold still.

Its table is made by ``make spread`` and committed, so it can be of another run. It is of this one
where its own training has what this run measured.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from artifact_units.report.analysis import NEAR, measured, title
from artifact_units.report.data import Results
from artifact_units.report.findings import Findings
from artifact_units.report.words import interval, number

OWN = "own"  # the training of the run that the others are beside


def section(results: Results, found: Findings) -> dict[str, Any] | None:
    """Mean, deviation and range over trainings; None where the table is not of this run."""
    values: dict[tuple[str, str], dict[str, float]] = {}
    for row in results.spread:
        values.setdefault((row["correction"], row["metric"]), {})[row["training"]] = row["value"]
    if not values or not all(
        _is_of(found, *key, own.get(OWN, math.nan)) for key, own in values.items()
    ):
        return None
    metrics = list(dict.fromkeys(metric for _, metric in values))
    corrections = dict.fromkeys(correction for correction, _ in values)
    rows = [
        {"name": c, "cells": [_cell(values.get((c, metric), {})) for metric in metrics]}
        for c in corrections
    ]
    trainings = len(dict.fromkeys(row["training"] for row in results.spread))
    return {"trainings": trainings, "metrics": [title(found, m) for m in metrics], "rows": rows}


def _is_of(found: Findings, correction: str, metric: str, own: float) -> bool:
    known = measured(found, correction, metric)
    return known is not None and math.isclose(own, known.value, rel_tol=NEAR)


def _cell(trainings: dict[str, float]) -> dict[str, Any] | None:
    """Mean and deviation, and below them the lowest and the highest."""
    if len(trainings) < 2:
        return None
    values = np.array(list(trainings.values()))
    said = f"{number(float(values.mean()))} ± {number(float(values.std(ddof=1)))}"
    return {"value": said, "interval": interval(values.min(), values.max()), "best": False}
