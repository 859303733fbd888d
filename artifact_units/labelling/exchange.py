"""Verdicts from and to other programs: CSV, Label Studio's JSON, a folder per class.

None of them knows of undo, masks or checkpoints: what is written is what counts, a row or task a
rater and generation; what is read is said of the checkpoint that the caller names.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from artifact_units.errors import UserError
from artifact_units.files.json_text import parsed
from artifact_units.files.storage import whole_folder
from artifact_units.labels.splits import check_checkpoint
from artifact_units.labels.verdicts import CLASSES, VERDICTS, Verdict, latest, read_verdicts
from artifact_units.serving import Pictures

COLUMNS = ("id", "rater", "verdict")
GIVEN = VERDICTS[:-1]  # undo is no verdict elsewhere
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


def read_said(path: Path, rater: str, checkpoint: str) -> list[Said]:
    """What a folder per class, a .csv, a .json or another labels file (.jsonl) says.

    ``rater`` is whose verdicts they are where the file names nobody. A UserError names the place.
    """
    if path.is_dir():
        return list(_folder(path, rater))
    readers = {".csv": _csv, ".json": _label_studio}
    if path.suffix == ".jsonl":
        return _labels(path, checkpoint)
    if path.suffix not in readers:
        raise UserError(f"{path}: give a folder, or a file .csv, .json or .jsonl")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not text in UTF-8") from None
    return list(readers[path.suffix](path, text, rater))


def _labels(path: Path, checkpoint: str) -> list[Said]:
    verdicts = read_verdicts(path)
    check_checkpoint(verdicts, checkpoint, path)
    return [(i, who, v.verdict) for i, of in latest(verdicts).items() for who, v in of.items()]


def _csv(path: Path, text: str, rater: str) -> Iterator[Said]:
    rows = csv.DictReader(io.StringIO(text))
    if missing := {"id", "verdict"} - set(rows.fieldnames or ()):
        raise UserError(f"{path}: has no column {min(missing)!r}; it takes {', '.join(COLUMNS)}")
    for row in rows:
        place = f"{path}: line {rows.line_num}"
        yield _said(place, row["id"], row.get("rater") or rater, row["verdict"])


def _label_studio(path: Path, text: str, rater: str) -> Iterator[Said]:
    try:
        tasks = parsed(text)
        for number, task in enumerate(tasks, 1):
            yield from _task(f"{path}: task {number}", task, rater)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UserError(
            f"{path}: no tasks with annotations, as Label Studio exports them"
        ) from None


def _task(place: str, task: Mapping[str, Any], rater: str) -> Iterator[Said]:
    data = task["data"]
    generation = data.get("generation", _number(str(data.get("image", ""))))
    for annotation in task["annotations"]:
        by = annotation.get("completed_by")
        name = by.get("email") if isinstance(by, Mapping) else by
        for result in annotation["result"]:
            if result["type"] == "choices":
                (verdict,) = result["value"]["choices"]
                yield _said(place, generation, rater if name is None else str(name), verdict)


def _folder(path: Path, rater: str) -> Iterator[Said]:
    folders = [path / name for name in GIVEN if (path / name).is_dir()]
    if not folders:
        raise UserError(f"{path}: holds none of the folders {', '.join(GIVEN)}")
    for folder in folders:
        for file in sorted(folder.iterdir()):
            if not file.name.startswith("."):
                yield _said(str(file), _number(file.name), rater, folder.name)


def _number(name: str) -> str:
    """The id in a file's name: the last number before its suffix, as in ``1a2b-12.png``."""
    found = re.search(r"(\d+)\.\w+$", name)
    return found[1] if found else name


def _said(place: str, generation: object, rater: str, verdict: object) -> Said:
    text = str(generation).strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise UserError(f"{place}: {text[:40]!r} is no generation's id, a whole number from 0")
    said = str(verdict).strip().lower()
    if said not in GIVEN:
        raise UserError(f"{place}: verdict {said[:40]!r}; it may be {', '.join(GIVEN)}")
    return int(text), rater, said
