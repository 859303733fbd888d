"""What another training would give: ``python -m workflow.spread SEED,SEED… PLACE… -- JOBS``.

Each PLACE is a seed of the parameters (``train_classifier.seed``, or of another file
``demo/params.yaml:annotate_generations.seed``). A run with all of them at each SEED is a DVC
experiment, ``spread-1``; the last commit itself is one more. What they measured is one table,
params/spread.csv, which the report shows beside the sampling intervals.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from workflow.experiment import check_committed
from workflow.queued import measured, revisions_of

TABLE = Path("params/spread.csv")
COLUMNS = ("training", "correction", "metric", "value")
OWN = "own"  # the last commit's
USAGE = "python -m workflow.spread 1,2,3,4 train_classifier.seed -- 2"


def main(words: list[str]) -> None:
    """Queue the trainings that are not there, run the queue, write the table."""
    cut = words.index("--") if "--" in words else len(words)
    seeds, *places = words[:cut] or [""]
    if not places or not all(seed.isdecimal() for seed in seeds.split(",")):
        sys.exit(f"Error: a spread needs seeds and where they stand: {USAGE}")
    check_committed(str(TABLE))
    points = {f"spread-{s}": [f"{place}={s}" for place in places] for s in seeds.split(",")}
    found = {OWN: "HEAD", **revisions_of(points, words[cut + 1 :])}
    rows = [
        (name.removeprefix("spread-"), row["correction"], metric, row["value"])
        for name, revision in found.items()
        for metric, row in measured(revision)
    ]
    _write(rows)
    print(f"{TABLE}: {len(found)} trainings; make run shows them in the report")


def _write(rows: Sequence[Sequence[str]]) -> None:
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
