"""Ids and verdicts as other programs give them: of an image's name, of a cell, of a choice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from artifact_units.errors import UserError
from artifact_units.labelling.exchange import Said
from artifact_units.labels.verdicts import VERDICTS, kind_names

GIVEN = VERDICTS[:-1]  # undo is no verdict elsewhere
# What a copy is called by Windows, macOS and browsers: "12 (1)", "12 - Copy (2)", "12 copy 2".
COPY = re.compile(r"(( - copy| copy)( \(\d+\)| \d+)?| \(\d+\))$", re.IGNORECASE)
UPLOAD = re.compile(r"^[0-9a-f]{8}-(?=.)")  # Label Studio puts it before what is uploaded
NAME = re.compile(r"(?:\D*[-_])?(\d+)")  # ID, PREFIX-ID, PREFIX_ID


def id_of(name: str, place: str) -> str:
    """The id in a file's name; a UserError where there is none, or more than one number."""
    stem = name.rpartition(".")[0] or name
    stem = COPY.sub("", stem, count=1)
    found = NAME.fullmatch(stem)
    if not found:
        numbers = re.findall(r"\d+", stem)
        said = f"the numbers {' and '.join(numbers[:3])}" if len(numbers) > 1 else "no id"
        raise UserError(
            f"{place}: {said} in the name; it takes ID.png, PREFIX-ID.png, PREFIX_ID.png"
        )
    return found[1]


def id_of_image(image: str, place: str) -> str:
    """The id in a task's image: a path or URL, as Label Studio has it."""
    path = unquote(image).replace("\\", "/")
    path = path.partition("?d=")[2] or path.partition("?")[0]  # ?d=: of its local files
    return id_of(UPLOAD.sub("", path.rpartition("/")[2]), place)


def checked(
    place: str, generation: object, rater: str, verdict: object, kinds: Sequence[str] = ()
) -> Said:
    """What was said, or a UserError that names the place."""
    text = str(generation).strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
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
