"""A small study, and judgements of it by raters of known habits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from artifact_units.images.shards import write_shard
from artifact_units.judging.judgements import Answers, Judgement, Pair, record_of
from artifact_units.judging.study import Study

PX = 16
CORRECTIONS = ("none", "sequential", "random")
ARTIFACTS = range(100, 112)
NORMALS = range(200, 206)
COUNTS = {"artifacts": 10, "normals": 6, "identical": 4, "control": 4}


def write_sets(folder: Path) -> None:
    """The corrections none, sequential and random of 12 artifacts and 6 normals."""
    draw = np.random.default_rng(0)
    for name in CORRECTIONS:
        for part, ids in (("artifacts", ARTIFACTS), ("normals", NORMALS)):
            pixels = draw.integers(0, 256, (len(ids), 3, PX, PX), np.uint8)
            write_shard(folder / name / part, 0, ids, pixels)


def study_of(folder: Path) -> Study:
    """The study of ``write_sets``."""
    return Study(*(folder / name for name in CORRECTIONS))


def said(
    kind: str,
    generation: int,
    rater: str = "ann",
    left: str = "before",
    answers: tuple[str, str, bool] | None = ("left", "right", True),
) -> Judgement:
    """One judgement; by default the artifact is gone, the corrected is better, the scene kept."""
    given = Answers(*answers) if answers else None
    return Judgement("s" * 64, "sequential", Pair(kind, generation), rater, left, given)


def write_judgements(path: Path, judgements: list[Judgement]) -> None:
    """A judgements file."""
    lines = [json.dumps(record_of(j), sort_keys=True) + "\n" for j in judgements]
    path.write_text("".join(lines), encoding="utf-8")


def judged_by(rater: str, habit: Callable[[str, str], tuple[str, str, bool]]) -> list[Judgement]:
    """Every pair once, the sides by turns: ``habit(kind, side of the correction)`` answers."""
    pairs = [(kind, i) for kind, count in COUNTS.items() for i in range(count)]
    found = []
    for place, (kind, i) in enumerate(pairs):
        left, corrected = (("before", "right"), ("after", "left"))[place % 2]
        found.append(said(kind, i, rater, left, habit(kind, corrected)))
    return found


def careful(kind: str, corrected: str) -> tuple[str, str, bool]:
    """Sees what is there: the correction helps artifacts, its control does not."""
    other = {"left": "right", "right": "left"}[corrected]
    if kind == "artifacts":
        return other, corrected, True
    if kind == "control":
        return "both", other, False
    return "neither", corrected, True


def careless(_kind: str, _corrected: str) -> tuple[str, str, bool]:
    """Presses one key."""
    return "left", "left", True
