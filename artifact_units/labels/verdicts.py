"""The labels file: one JSON line a verdict, appended, whoever or whatever gave it.

``{"id": 12, "checkpoint": "<sha256>", "rater": "name", "verdict": "artifact"}``; verdicts are
artifact, normal, unsure and undo. A rater's last verdict on a generation is the one that counts.
More keys where they apply: ``"kinds": ["blotch"]`` says of which kinds an artifact is, by free
names; ``"final": true`` settles a disagreement, whatever the raters said;
``"mask": {"px": 64, "runs": [65, 3, 129, 3]}`` is where the rater painted, starts and lengths of
runs of pixels in C order. No line says when: the same verdicts are the same file.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from artifact_units.errors import UserError
from artifact_units.files.json_text import parsed, whole
from artifact_units.files.storage import read_text

VERDICTS = ("artifact", "normal", "unsure", "undo")
LONGEST_KIND = 40  # characters of a kind's name
MOST_KINDS = 20  # of one verdict
CLASSES = ("artifact", "normal", "real")  # of the classifier, in the order of its logits


@dataclass(frozen=True)
class Painted:
    """The pixels that a rater painted of an image of ``px`` by ``px``: (start, length) of runs."""

    px: int
    runs: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        """A ValueError unless the runs are in order, apart, and inside the image."""
        ends = [(start, start + length) for start, length in self.runs]
        apart = all(before[1] <= after[0] for before, after in pairwise(ends))
        inside = all(0 <= start < end <= self.px**2 for start, end in ends)
        if not (ends and apart and inside):
            raise ValueError("the runs of a mask")


@dataclass(frozen=True)
class Verdict:
    """What one rater said of one generation of one checkpoint (its sha256)."""

    id: int
    checkpoint: str
    rater: str
    verdict: str
    mask: Painted | None = None
    final: bool = False
    kinds: tuple[str, ...] = ()  # of an artifact: names, sorted


def read_verdicts(path: Path) -> list[Verdict]:
    """Every verdict of a labels file, in the order given; a torn last line is dropped."""
    if not path.is_file():
        raise UserError(f"{path}: no such labels file")
    lines = read_text(path).split("\n")
    torn = lines.pop()  # what follows the last newline: nothing, or a line that was not finished
    del torn
    return [_verdict(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def record_of(verdict: Verdict) -> dict[str, Any]:
    """The keys and values of a verdict's line."""
    record = {name: getattr(verdict, name) for name in ("id", "checkpoint", "rater", "verdict")}
    if verdict.mask is not None:
        runs = [number for run in verdict.mask.runs for number in run]
        record["mask"] = {"px": verdict.mask.px, "runs": runs}
    if verdict.kinds:
        record["kinds"] = list(verdict.kinds)
    return record | ({"final": True} if verdict.final else {})


def lines_of(verdicts: Iterable[Verdict]) -> str:
    """The text of a labels file."""
    return "".join(json.dumps(record_of(v), sort_keys=True) + "\n" for v in verdicts)


def latest(verdicts: Iterable[Verdict]) -> dict[int, dict[str, Verdict]]:
    """id -> rater -> the verdict that counts; finals and what was undone are left out."""
    found: dict[int, dict[str, Verdict]] = {}
    for v in verdicts:
        if not v.final:
            found.setdefault(v.id, {})[v.rater] = v
    kept = {
        generation: {rater: v for rater, v in by_rater.items() if v.verdict != "undo"}
        for generation, by_rater in found.items()
    }
    return {generation: by_rater for generation, by_rater in sorted(kept.items()) if by_rater}


def finals(verdicts: Iterable[Verdict]) -> dict[int, str]:
    """id -> what settled it, artifact or normal; the last counts, and undo takes it back."""
    last = {v.id: v.verdict for v in verdicts if v.final}
    return {i: verdict for i, verdict in sorted(last.items()) if verdict in ("artifact", "normal")}


def settle(verdicts: Iterable[Verdict]) -> dict[int, tuple[str, int]]:
    """id -> (label, raters that counted): the majority; a tie or only unsure drops the id.

    A final verdict is the label, and its rater counted even where no other did.
    """
    given = list(verdicts)
    votes = {
        generation: Counter(v.verdict for v in by_rater.values() if v.verdict != "unsure")
        for generation, by_rater in latest(given).items()
    }
    settled = {
        generation: (count.most_common(1)[0][0], count.total())
        for generation, count in votes.items()
        if count["artifact"] != count["normal"]
    }
    for generation, label in finals(given).items():
        settled[generation] = label, max(1, votes.get(generation, Counter()).total())
    return dict(sorted(settled.items()))


def _verdict(path: Path, number: int, line: str) -> Verdict:
    try:
        fields = parsed(line)
        verdict = Verdict(
            whole(fields["id"]),
            str(fields["checkpoint"]),
            str(fields["rater"]),
            str(fields["verdict"]),
            painted(fields.get("mask")),
            bool(fields.get("final", False)),
            kind_names(fields.get("kinds", [])),
        )
    except UserError as error:
        raise UserError(f"{path}: line {number}: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path}: line {number} is not a verdict: {line[:60]!r}") from None
    if verdict.verdict not in VERDICTS:
        raise UserError(
            f"{path}: line {number}: verdict {verdict.verdict!r}; it may be {', '.join(VERDICTS)}"
        )
    return verdict


def kind_names(given: object) -> tuple[str, ...]:
    """Names trimmed, in lower case, sorted, each once; a UserError where one is none."""
    if not isinstance(given, list | tuple) or len(given) > MOST_KINDS:
        raise UserError(f"kinds are a list of at most {MOST_KINDS} names")
    return tuple(sorted({_kind(name) for name in given}))


def _kind(given: object) -> str:
    name = " ".join(given.split()).lower() if isinstance(given, str) else ""
    if not (0 < len(name) <= LONGEST_KIND and name.isprintable()) or set(name) & set(",;"):
        raise UserError(
            f"the name of a kind has 1 to {LONGEST_KIND} characters, none of them , or ;"
        )
    return name


def painted(given: Any) -> Painted | None:
    """The mask of a line or of a page's message; a ValueError, TypeError or KeyError if bad."""
    if given is None:
        return None
    numbers = [whole(number) for number in given["runs"]]
    runs = zip(numbers[::2], numbers[1::2], strict=True)
    return Painted(whole(given["px"]), tuple(runs))
