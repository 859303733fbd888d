"""Verdicts to other programs: CSV, Label Studio's JSON, a folder per class (back: ``imports``).

None of them knows of undo, masks or checkpoints: what is written is what counts, a row or task a
rater and generation.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from artifact_units.errors import UserError
from artifact_units.files.storage import whole_folder
from artifact_units.labels.verdicts import CLASSES, Verdict, latest
from artifact_units.serving import Pictures

COLUMNS = ("id", "rater", "verdict")
Said = tuple[int, str, str]  # generation, rater, verdict


def csv_of(said: Iterable[Said]) -> str:
    """A row a verdict, under ``id,rater,verdict``."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([COLUMNS, *said])
    return file.getvalue()


def label_studio_of(said: Iterable[Said]) -> str:
    """Tasks as Label Studio exports and imports them: choices named ``verdict``, of ``image``.

    ``data.image`` is ID.png: serve the images of `export --to folder` under that name.
    """
    tasks: dict[int, list[dict[str, Any]]] = {}
    for generation, rater, verdict in said:
        choice = {
            "from_name": "verdict",
            "to_name": "image",
            "type": "choices",
            "value": {"choices": [verdict]},
        }
        tasks.setdefault(generation, []).append(
            {"completed_by": {"email": rater}, "result": [choice]}
        )
    found = [
        {"data": {"image": f"{i}.png", "generation": i}, "annotations": annotations}
        for i, annotations in tasks.items()
    ]
    return json.dumps(found, indent=1) + "\n"


def write_folder(folder: Path, settled: Mapping[int, str], generations: Path) -> None:
    """``artifact/ID.png`` and ``normal/ID.png`` of an image set; what it does not hold is named."""
    pictures = Pictures(generations)
    if strangers := [i for i in settled if i not in pictures]:
        raise UserError(f"{generations}: holds no generation {strangers[0]}, which is labelled")
    with whole_folder(folder) as whole:
        for name in CLASSES[:2]:
            (whole / name).mkdir()
        for generation, label in settled.items():
            (whole / label / f"{generation}.png").write_bytes(pictures.png(generation))


def new_verdicts(said: Iterable[Said], known: Iterable[Verdict], checkpoint: str) -> list[Verdict]:
    """What was said and does not stand in the labels file yet; the last of a rater counts."""
    last = {(i, rater): verdict for i, rater, verdict in said}
    there = {(i, rater): v.verdict for i, of in latest(known).items() for rater, v in of.items()}
    return [
        Verdict(i, checkpoint, who, v) for (i, who), v in last.items() if there.get((i, who)) != v
    ]
