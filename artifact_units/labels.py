"""The labels file: one JSON line a verdict, appended, whoever or whatever gave it.

``{"id": 12, "checkpoint": "<sha256>", "rater": "name", "verdict": "artifact"}``; verdicts are
artifact, normal, unsure and undo. A rater's last verdict on a generation is the one that counts.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from artifact_units.errors import UserError

VERDICTS = ("artifact", "normal", "unsure", "undo")
CLASSES = ("artifact", "normal", "real")  # of the classifier, in the order of its logits


@dataclass(frozen=True)
class Verdict:
    """What one rater said of one generation of one checkpoint (its sha256)."""

    id: int
    checkpoint: str
    rater: str
    verdict: str


def read_verdicts(path: Path) -> list[Verdict]:
    """Every verdict of a labels file, in the order given; a torn last line is dropped."""
    if not path.is_file():
        raise UserError(f"{path}: no such labels file")
    lines = path.read_text(encoding="utf-8").split("\n")
    torn = lines.pop()  # what follows the last newline: nothing, or a line that was not finished
    del torn
    return [_verdict(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def lines_of(verdicts: Iterable[Verdict]) -> str:
    """The text of a labels file."""
    return "".join(json.dumps(asdict(v), sort_keys=True) + "\n" for v in verdicts)


def settle(verdicts: Iterable[Verdict]) -> dict[int, tuple[str, int]]:
    """id -> (label, raters that counted): the majority; a tie or only unsure drops the id."""
    latest: dict[tuple[int, str], str] = {}
    for v in verdicts:
        latest[v.id, v.rater] = v.verdict
    votes: dict[int, Counter[str]] = defaultdict(Counter)
    for (generation, _), verdict in latest.items():
        if verdict in ("artifact", "normal"):
            votes[generation][verdict] += 1
    return {
        generation: ("artifact" if count["artifact"] > count["normal"] else "normal", count.total())
        for generation, count in sorted(votes.items())
        if count["artifact"] != count["normal"]
    }


def _verdict(path: Path, number: int, line: str) -> Verdict:
    try:
        fields = json.loads(line)
        verdict = Verdict(
            int(fields["id"]),
            str(fields["checkpoint"]),
            str(fields["rater"]),
            str(fields["verdict"]),
        )
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path}: line {number} is not a verdict: {line[:60]!r}") from None
    if verdict.verdict not in VERDICTS:
        raise UserError(
            f"{path}: line {number}: verdict {verdict.verdict!r}; it may be {', '.join(VERDICTS)}"
        )
    return verdict
