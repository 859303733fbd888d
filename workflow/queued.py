"""Runs of the last commit with other values, as DVC experiments: queued, worked off, read.

An experiment that is there already is not run again, so the same command goes on where it was
interrupted.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO

from workflow.experiment import said

METRICS = ("frechet", "realism", "pixel_recovery", "psnr")  # bars of evaluate_generations
TARGET = "evaluate_generations"


def revisions_of(points: Mapping[str, Sequence[str]], jobs: Sequence[str]) -> dict[str, str]:
    """name -> revision of each of ``points``: name -> settings, such as ``run.batch=8``."""
    there = {*_done(), *_queued()}
    for name, settings in points.items():
        if name not in there:
            _queue(name, settings)
    if _queued():
        words = ["dvc", "exp", "run", "--run-all", "--jobs", *(jobs or ["1"])]
        subprocess.run(words, check=False)
    done = _done()
    if lost := [name for name in points if name not in done]:
        sys.exit(f"Error: {lost[0]} failed; see dvc queue logs {lost[0]}")
    return {name: done[name] for name in points}


def measured(revision: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(metric, row of its bars) of every correction: correction, value, low, high."""
    from dvc.api import DVCFileSystem

    files = DVCFileSystem(rev=revision)
    for metric in METRICS:
        text = str(files.read_text(f"results/{TARGET}/plots/{metric}.csv"))
        yield from ((metric, row) for row in csv.DictReader(StringIO(text)))


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


def _queue(name: str, settings: Sequence[str]) -> None:
    given = [f"--set-param={setting}" for setting in settings]
    words = ["dvc", "exp", "run", "--queue", "--quiet", "--name", name, *given, TARGET]
    if subprocess.run(words, check=False).returncode:
        sys.exit(f"Error: {' '.join(words)} failed")
