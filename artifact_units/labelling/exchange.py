"""Verdicts from and to other programs: CSV, Label Studio's JSON, a folder per class.

None of them knows of undo, masks or checkpoints, and a folder knows no kinds: what is written is
what counts, a row or task a rater and generation; what is read is said of the checkpoint that the
caller names.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from artifact_units.errors import UserError
from artifact_units.files.json_text import parsed
from artifact_units.files.storage import whole_folder
from artifact_units.labels.splits import check_checkpoint
from artifact_units.labels.verdicts import (
    CLASSES,
    VERDICTS,
    Verdict,
    kind_names,
    latest,
    read_verdicts,
)
from artifact_units.serving import Pictures

COLUMNS = ("id", "rater", "verdict", "kind")
BETWEEN = ";"  # kinds in a column
GIVEN = VERDICTS[:-1]  # undo is no verdict elsewhere


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
    return said_of(verdicts)


def _csv(path: Path, text: str, rater: str) -> Iterator[Said]:
    rows = csv.DictReader(io.StringIO(text))
    if missing := {"id", "verdict"} - set(rows.fieldnames or ()):
        raise UserError(f"{path}: has no column {min(missing)!r}; it takes {', '.join(COLUMNS)}")
    for row in rows:
        place = f"{path}: line {rows.line_num}"
        kinds = [kind for kind in (row.get("kind") or "").split(BETWEEN) if kind.strip()]
        yield _said(place, row["id"], row.get("rater") or rater, row["verdict"], kinds)


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
        who = rater if name is None else str(name)
        chosen = [result for result in annotation["result"] if result["type"] == "choices"]
        named = [r["value"]["choices"] for r in chosen if r.get("from_name") == "kind"]
        for result in chosen:
            if result.get("from_name") != "kind":
                (verdict,) = result["value"]["choices"]
                yield _said(place, generation, who, verdict, [*chain(*named)])


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


def _said(
    place: str, generation: object, rater: str, verdict: object, kinds: Sequence[str] = ()
) -> Said:
    text = str(generation).strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise UserError(f"{place}: {text[:40]!r} is no generation's id, a whole number from 0")
    said = str(verdict).strip().lower()
    if said not in GIVEN:
        raise UserError(f"{place}: verdict {said[:40]!r}; it may be {', '.join(GIVEN)}")
    try:
        named = kind_names(kinds)
    except UserError as error:
        raise UserError(f"{place}: {error}") from None
    if named and said != "artifact":
        raise UserError(f"{place}: has a kind, but is {said}; only an artifact has kinds")
    return Said(int(text), rater, said, named)
