"""Verdicts from other programs: CSV of any dialect, Label Studio's JSON, a folder per class.

What is read is said of the checkpoint that the caller names. What is left out is counted, with why;
an id is never guessed.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from artifact_units.errors import UserError
from artifact_units.images.containers import SUFFIXES
from artifact_units.labelling.exchange import BETWEEN, COLUMNS, Said, said_of
from artifact_units.labelling.given_names import GIVEN, checked, id_of
from artifact_units.labelling.label_studio import read_tasks
from artifact_units.labels.splits import check_checkpoint
from artifact_units.labels.verdicts import read_verdicts

SYSTEM = ("thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r")  # of Windows and macOS
DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Imported:
    """What a file or folder says, and how much of it was left out, by why."""

    said: list[Said]
    skipped: Counter[str]

    def __str__(self) -> str:
        counts = ", ".join(f"{why}: {n}" for why, n in sorted(self.skipped.items()))
        return f"skipped: {counts}" if counts else "nothing skipped"


def read_said(path: Path, rater: str, checkpoint: str, field: str | None = None) -> Imported:
    """What a folder per class, a .csv, a .json or another labels file (.jsonl) says.

    ``rater`` is whose verdicts they are where the file names nobody; ``field`` the choices to take
    where Label Studio's file has several. A UserError names the place, or says that nothing is
    there and what is found instead.
    """
    skipped: Counter[str] = Counter()
    suffix = path.suffix.lower()
    if field is not None and (path.is_dir() or suffix != ".json"):
        raise UserError(f"{path}: --field is of Label Studio's .json; leave it out here")
    if path.is_dir():
        said = list(_folder(path, rater, skipped))
    elif suffix == ".jsonl":
        said = _labels(path, checkpoint, skipped)
    elif suffix == ".csv":
        said = list(_csv(path, _text(path), rater, skipped))
    elif suffix == ".json":
        said = read_tasks(path, _text(path), rater, field, skipped)
    else:
        raise UserError(f"{path}: give a folder, or a file .csv, .json or .jsonl")
    found = Imported(said, skipped)
    if not said:
        raise UserError(f"{path}: holds no verdict ({found if skipped else 'it is empty'})")
    return found


def _text(path: Path) -> str:
    content = path.read_bytes()
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UserError(f"{path}: text in UTF-16; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not text in UTF-8; save it as UTF-8") from None


def _labels(path: Path, checkpoint: str, skipped: Counter[str]) -> list[Said]:
    verdicts = read_verdicts(path)
    check_checkpoint(verdicts, checkpoint, path)
    said = said_of(verdicts)
    if left := len(verdicts) - len(said):
        skipped["undone, replaced or final verdicts"] = left
    return said


def _csv(path: Path, text: str, rater: str, skipped: Counter[str]) -> Iterator[Said]:
    lines = text.splitlines(keepends=True)
    if lines and lines[0].strip().strip('"').lower().startswith("sep="):  # Excel's own
        lines[0] = "\n"  # so that the numbers of lines stay
    try:
        names, delimiter = _header(path, [line for line in lines if line.strip()][:1])
        table = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        rows = ((f"{path}: line {table.line_num}", row) for row in table if any(row))
        next(rows, None)
        for place, cells in rows:
            row = dict(zip(names, cells, strict=False))
            if row.get("verdict", "").strip():
                who = row.get("rater", "").strip() or rater
                kinds = [kind for kind in row.get("kind", "").split(BETWEEN) if kind.strip()]
                yield checked(place, row["id"], who, row["verdict"], kinds)
            else:
                skipped["rows without a verdict"] += 1
    except csv.Error as error:
        raise UserError(f"{path}: not readable as CSV ({error})") from None


def _header(path: Path, first: list[str]) -> tuple[list[str], str]:
    """The names of the columns, and the delimiter by which ``id`` and ``verdict`` are of them."""
    names: list[str] = []
    for delimiter in DELIMITERS:
        found = next(csv.reader(first, delimiter=delimiter, skipinitialspace=True), [])
        names = ["".join(name.lower().split()) for name in found]
        if {"id", "verdict"} <= {*names}:
            if double := [name for name in COLUMNS if names.count(name) > 1]:
                raise UserError(f"{path}: has two columns {double[0]!r}; take one out")
            return names, delimiter
    header = "".join(first).strip()[:60]
    raise UserError(
        f"{path}: its first line {header!r} names no columns 'id' and 'verdict'; "
        f"it takes {', '.join(COLUMNS)}, between commas, semicolons or tabs"
    )


def _folder(path: Path, rater: str, skipped: Counter[str]) -> Iterator[Said]:
    folders = [f for f in sorted(path.iterdir()) if f.is_dir() and f.name.lower() in GIVEN]
    if not folders:
        raise UserError(f"{path}: holds none of the folders {', '.join(GIVEN)}")
    places: dict[int, Path] = {}
    for file in (file for folder in folders for file in _images(folder, skipped)):
        said = checked(str(file), id_of(file.name, str(file)), rater, file.parent.name)
        before = places.setdefault(said[0], file)
        if before.parent != file.parent:
            raise UserError(f"{before} and {file}: one generation in two folders; take one out")
        if before == file:
            yield said
        else:
            skipped["further copies of an image"] += 1


def _images(folder: Path, skipped: Counter[str]) -> Iterable[Path]:
    for file in sorted(folder.iterdir()):
        if file.name.startswith(".") or file.name.lower() in SYSTEM:
            continue
        if file.suffix.lower() in SUFFIXES and file.is_file():
            yield file
        else:
            skipped["no images"] += 1
