"""Verdicts to other programs: CSV, Label Studio's JSON, a folder per class (back: ``imports``).

None of them knows of undo, masks or checkpoints, and a folder knows no kinds: what is written is
what counts, a row or task a rater and generation.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from artifact_units.errors import UserError
from artifact_units.files.storage import whole_folder
from artifact_units.labels.verdicts import CLASSES, Verdict, latest
from artifact_units.serving import Pictures

COLUMNS = ("id", "rater", "verdict", "kind")
BETWEEN = ";"  # kinds in a column


class Said(NamedTuple):
    """What a rater said of a generation; ``kinds`` of an artifact alone."""

    id: int
    rater: str
    verdict: str
    kinds: tuple[str, ...] = ()


def said_of(verdicts: Iterable[Verdict]) -> list[Said]:
    """What counts in a labels file."""
    given = latest(verdicts).items()
    return [Said(i, who, v.verdict, v.kinds) for i, of in given for who, v in of.items()]


def csv_of(said: Iterable[Said]) -> str:
    """A row a verdict, under ``id,rater,verdict,kind``; between kinds a semicolon."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((*one[:3], BETWEEN.join(one.kinds)) for one in said)
    return file.getvalue()


def label_studio_of(said: Iterable[Said]) -> str:
    """Tasks as Label Studio has them: choices named ``verdict`` and ``kind``, of ``image``.

    ``data.image`` is ID.png: serve the images of `export --to folder` under that name.
    """
    tasks: dict[int, list[dict[str, Any]]] = {}
    for one in said:
        result = [_choices("verdict", [one.verdict])]
        result += [_choices("kind", one.kinds)] if one.kinds else []
        tasks.setdefault(one.id, []).append(
            {"completed_by": {"email": one.rater}, "result": result}
        )
    found = [
        {"data": {"image": f"{i}.png", "generation": i}, "annotations": annotations}
        for i, annotations in tasks.items()
    ]
    return json.dumps(found, indent=1) + "\n"


def _choices(name: str, chosen: Iterable[str]) -> dict[str, Any]:
    value = {"choices": list(chosen)}
    return {"from_name": name, "to_name": "image", "type": "choices", "value": value}


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
    last = {one[:2]: one for one in said}
    there = set(said_of(known))
    return [
        Verdict(one.id, checkpoint, one.rater, one.verdict, kinds=one.kinds)
        for one in last.values()
        if one not in there
    ]
