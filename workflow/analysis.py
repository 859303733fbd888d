"""The paper's hyper-parameter analysis: ``python -m workflow.analysis n=1,3 scale=0,1 … -- JOBS``.

Every sequential correction of params.yaml with each of these values, the others as they are there:
a DVC experiment a value, ``analysis-n-1``, of the last commit (``queued.py``). What they measured
then is one table, params/analysis.csv, which the report draws.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from workflow.experiment import check_committed
from workflow.queued import METRICS, measured, revisions_of

TABLE = Path("params/analysis.csv")
COLUMNS = ("correction", "parameter", "at", "metric", "value", "low", "high")
PLACE = "fit_corrections.corrections"
USAGE = "python -m workflow.analysis n=1,3 scale=0.5,1 stop=5,7 -- 2"
Point = tuple[str, Any]  # a parameter and its value


def main(words: list[str]) -> None:
    """Queue the points that are not there, run the queue, write the table."""
    cut = words.index("--") if "--" in words else len(words)
    points = [point for sweep in words[:cut] for point in _points(sweep)]
    if not points:
        sys.exit(f"Error: an analysis needs values: {USAGE}")
    corrections = _sequential({parameter for parameter, _ in points})
    check_committed(str(TABLE))
    asked = [point for point in points if not _is_own(point, corrections)]
    settings = {_name(point): _settings(point, corrections) for point in asked}
    done = revisions_of(settings, words[cut + 1 :])
    revisions = [done.get(_name(point), "HEAD") for point in points]
    rows = [
        row
        for point, revision in zip(points, revisions, strict=True)
        for row in _measured(point, revision, corrections)
    ]
    _write(rows)
    _show(rows)
    print(f"{TABLE}: {len(points)} points; make run draws it in the report, make exps lists them")


def _points(sweep: str) -> Iterator[Point]:
    from ruamel.yaml import YAML

    parameter, _, values = sweep.partition("=")
    if not parameter.isidentifier() or not all(values.split(",")):
        sys.exit(f"Error: {sweep} is no parameter with values; such as n=1,3")
    yaml = YAML(typ="safe")
    yield from ((parameter, yaml.load(value)) for value in values.split(","))


def _sequential(parameters: set[str]) -> dict[str, dict[str, Any]]:
    """The sequential corrections of params.yaml, each of which has the ``parameters``."""
    from ruamel.yaml import YAML

    values = YAML(typ="safe").load(Path("params.yaml"))
    entries = values["fit_corrections"]["corrections"].items()
    found = {name: entry for name, entry in entries if _is_fixed(entry)}
    for name, entry in found.items():
        if strange := sorted(parameters - entry.keys()):
            sys.exit(f"Error: {strange[0]} is no parameter of {name}; it has {', '.join(entry)}")
    return found or sys.exit(
        f"Error: params.yaml: no entry of {PLACE} is sequential with fixed values; add one"
    )


def _is_fixed(entry: dict[str, Any]) -> bool:
    """Whether a correction is sequential, with values that no search chooses."""
    searched = any(isinstance(value, list) for value in entry.values())
    return entry["corrector"] == "sequential" and not searched


def _is_own(point: Point, corrections: dict[str, dict[str, Any]]) -> bool:
    """Whether the last commit itself is the point: DVC keeps no experiment that changes nothing."""
    parameter, value = point
    return all(entry.get(parameter) == value for entry in corrections.values())


def _name(point: Point) -> str:
    return f"analysis-{point[0]}-{point[1]}"


def _settings(point: Point, corrections: Iterable[str]) -> list[str]:
    parameter, value = point
    return [f"{PLACE}.{name}.{parameter}={value}" for name in corrections]


def _measured(
    point: Point, revision: str, corrections: dict[str, dict[str, Any]]
) -> Iterator[list[Any]]:
    for metric, row in measured(revision):
        if row["correction"] in corrections:
            numbers = [row[key] for key in ("value", "low", "high")]
            yield [row["correction"], *point, metric, *numbers]


def _write(rows: Sequence[Sequence[Any]]) -> None:
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(rows)


def _show(rows: Sequence[Sequence[Any]]) -> None:
    """A line a point and correction, a column a metric."""
    lines: dict[tuple[str, str, str], list[str]] = {}
    for correction, parameter, at, _, value, *_ in rows:
        lines.setdefault((correction, parameter, str(at)), []).append(value)
    grouped = dict(sorted(lines.items(), key=lambda line: line[0][0]))
    for key, values in {COLUMNS[:3]: METRICS, **grouped}.items():
        print("  ".join(f"{word:15}" for word in (*key, *values)).rstrip())


if __name__ == "__main__":
    main(sys.argv[1:])
