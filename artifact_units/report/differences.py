"""What each two corrections differ by: the tables that a comparison rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from artifact_units.evaluation.differences import Difference
from artifact_units.report.data import Results
from artifact_units.report.words import features_of, interval, metric, number


def section(results: Results) -> dict[str, Any] | None:
    """A table a metric: a row minus a column; None where there is no interval."""
    known = [found for found in results.differences if interval(found.low, found.high)]
    places = dict.fromkeys((found.population, found.metric) for found in known)
    if not places:
        return None
    tables = [
        _table([d for d in known if (d.population, d.metric) == place], *place) for place in places
    ]
    return {"tables": tables, "count": len(known)}


def _table(found: Sequence[Difference], population: str, name: str) -> dict[str, Any]:
    cells = {(d.correction, d.other): _cell(d) for d in found}
    rows = list(dict.fromkeys(d.correction for d in found))
    others = list(dict.fromkeys(d.other for d in found))
    known, features = metric(name, population), features_of(name)
    title = f"{known.title} of {population}" + (f" ({features} features)" if features else "")
    return {
        "title": title[0].upper() + title[1:],
        "better": known.better,
        "others": others,
        "rows": [{"name": row, "cells": [cells.get((row, o)) for o in others]} for row in rows],
    }


def _cell(found: Difference) -> dict[str, Any]:
    sign = "+" if found.value > 0 else ""
    bounds = interval(found.low, found.high)
    return {"value": sign + number(found.value), "interval": bounds, "best": found.apart}
