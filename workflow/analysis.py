"""The paper's hyper-parameter analysis: ``python -m workflow.analysis n=1,3 scale=0,1 … -- JOBS``.

Every sequential correction of params.yaml with each of these values, the others as they are there:
a DVC experiment a value, ``analysis-n-1``, of the last commit. Those there already are not run
again, so the same command goes on where it was interrupted. What they measured then is one table,
params/analysis.csv, which the report draws.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from workflow.experiment import check_committed, said

TABLE = Path("params/analysis.csv")
COLUMNS = ("correction", "parameter", "at", "metric", "value", "low", "high")
METRICS = ("frechet", "realism", "pixel_recovery", "psnr")  # bars of evaluate_generations
PLACE = "correct_generations.corrections"
TARGET = "evaluate_generations"
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
    there = {*_done(), *_queued()}
    for point in asked:
        if _name(point) not in there:
            _queue(point, list(corrections))
    if _queued():
        jobs = words[cut + 1 :] or ["1"]
        subprocess.run(["dvc", "exp", "run", "--run-all", "--jobs", *jobs], check=False)
    done = _done()
    if lost := [name for name in map(_name, asked) if name not in done]:
        sys.exit(f"Error: {lost[0]} failed; see dvc queue logs {lost[0]}")
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
    entries = values["correct_generations"]["corrections"].items()
    found = {name: entry for name, entry in entries if entry["corrector"] == "sequential"}
    for name, entry in found.items():
        if strange := sorted(parameters - entry.keys()):
            sys.exit(f"Error: {strange[0]} is no parameter of {name}; it has {', '.join(entry)}")
    return found or sys.exit(f"Error: params.yaml: no entry of {PLACE} is sequential; add one")


def _is_own(point: Point, corrections: dict[str, dict[str, Any]]) -> bool:
    """Whether the last commit itself is the point: DVC keeps no experiment that changes nothing."""
    parameter, value = point
    return all(entry.get(parameter) == value for entry in corrections.values())


def _name(point: Point) -> str:
    return f"analysis-{point[0]}-{point[1]}"


def _done() -> dict[str, str]:
    """The experiments of the last commit, and their revisions."""
    head = said("git", "rev-parse", "HEAD").strip()
    known = f"refs/exps/{head[:2]}/{head[2:]}/"  # where DVC keeps them
    lines = said("git", "for-each-ref", "--format=%(refname) %(objectname)", known).splitlines()
    return dict(line.removeprefix(known).split() for line in lines)


def _queued() -> set[str]:
    from dvc.repo import Repo

    with Repo() as repo:
        queue = repo.experiments.celery_queue
        return {entry.name or "" for entry in (*queue.iter_queued(), *queue.iter_active())}


def _queue(point: Point, corrections: Sequence[str]) -> None:
    parameter, value = point
    settings = [f"--set-param={PLACE}.{name}.{parameter}={value}" for name in corrections]
    words = ["dvc", "exp", "run", "--queue", "--quiet", "--name", _name(point), *settings, TARGET]
    if subprocess.run(words, check=False).returncode:
        sys.exit(f"Error: {' '.join(words)} failed")


def _measured(
    point: Point, revision: str, corrections: dict[str, dict[str, Any]]
) -> Iterator[list[Any]]:
    from dvc.api import DVCFileSystem

    files = DVCFileSystem(rev=revision)
    for metric in METRICS:
        text = str(files.read_text(f"results/{TARGET}/plots/{metric}.csv"))
        for row in csv.DictReader(StringIO(text)):
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
