"""The judgements file: one JSON line a judged pair, appended.

``{"study": "<sha256>", "correction": "sequential", "kind": "artifacts", "id": 7, "rater": "ann",
"left": "before", "artifact": "left", "better": "right", "same": true}``: what was on the left, and
the three answers as they were given; ``"undo": true`` in their place takes the pair back. A rater's
last line on a pair is the one that counts. No line says when: the same answers are the same file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifact_units.errors import UserError
from artifact_units.files.json_text import parsed, whole
from artifact_units.files.storage import read_text

KINDS = {
    "artifacts": "a held-out artifact generation, and the same corrected",
    "normals": "a held-out normal generation, and the same corrected",
    "identical": "the same picture twice: control",
    "control": "a held-out artifact generation, and the same by the control correction",
}
SIDES = ("before", "after")
ANSWERS = {
    "artifact": ("left", "right", "both", "neither"),
    "better": ("left", "right"),
    "same": (True, False),
}


@dataclass(frozen=True, order=True)
class Pair:
    """One comparison: of which kind, and of which generation."""

    kind: str
    id: int


@dataclass(frozen=True)
class Answers:
    """What a rater said of the two pictures."""

    artifact: str  # which shows one
    better: str
    same: bool  # scene, or person


@dataclass(frozen=True)
class Judgement:
    """What one rater said of one pair of one study (the sha256 of its images)."""

    study: str
    correction: str
    pair: Pair
    rater: str
    left: str  # which of SIDES was there
    answers: Answers | None  # None: taken back

    @property
    def given(self) -> Answers:
        """The answers of a judgement that stands."""
        if self.answers is None:
            raise ValueError("taken back")
        return self.answers

    def side(self, answer: str) -> str:
        """An answer of left or right as before or after; both and neither stay what they are."""
        if answer not in ("left", "right"):
            return answer
        return SIDES[(answer == "left") == (self.left == "after")]


def answers_of(given: Mapping[str, Any]) -> Answers:
    """The answers in what was received or read; a ValueError names one that is none."""
    for name, allowed in ANSWERS.items():
        # By type too: to Python, 1 is True.
        if not any(type(given.get(name)) is type(one) and given[name] == one for one in allowed):
            raise ValueError(name)
    return Answers(*(given[name] for name in ANSWERS))


def record_of(judgement: Judgement) -> dict[str, Any]:
    """The keys and values of a judgement's line."""
    answers = vars(judgement.answers) if judgement.answers else {"undo": True}
    names = ("study", "correction", "rater", "left")
    return {n: getattr(judgement, n) for n in names} | vars(judgement.pair) | answers


def read_judgements(path: Path) -> list[Judgement]:
    """Every judgement, in the order given; a torn last line is dropped."""
    if not path.is_file():
        raise UserError(f"{path}: no such judgements file; `judge_corrections serve` makes one")
    lines = read_text(path).split("\n")[:-1]  # the last is torn, or empty
    found = [_judgement(path, n, line) for n, line in enumerate(lines, 1) if line.strip()]
    if strangers := {j.study for j in found} - {j.study for j in found[:1]}:
        raise UserError(
            f"{path}: holds judgements of several studies ({found[0].study[:8]}, "
            f"{min(strangers)[:8]}); give each a file"
        )
    return found


def latest(judgements: Iterable[Judgement]) -> dict[Pair, dict[str, Judgement]]:
    """Pair -> rater -> the judgement that counts, by pair; what was taken back is left out."""
    found: dict[Pair, dict[str, Judgement]] = {}
    for j in judgements:
        found.setdefault(j.pair, {})[j.rater] = j
    kept = {
        pair: {rater: j for rater, j in sorted(by_rater.items()) if j.answers}
        for pair, by_rater in sorted(found.items())
    }
    return {pair: by_rater for pair, by_rater in kept.items() if by_rater}


def _judgement(path: Path, number: int, line: str) -> Judgement:
    try:
        fields = parsed(line)
        answers = None if fields.get("undo") is True else answers_of(fields)
        names = ("study", "correction", "rater", "left")
        study, correction, rater, left = (str(fields[n]) for n in names)
        pair = Pair(str(fields["kind"]), whole(fields["id"]))
        if pair.kind not in KINDS or left not in SIDES:
            raise ValueError(line)
        return Judgement(study, correction, pair, rater, left, answers)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path}: line {number} is not a judgement: {line[:60]!r}") from None
