"""Kinds of artifact: names that raters give, settled, and the kinds that a run is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from artifact_units.errors import UserError
from artifact_units.labels.verdicts import Verdict, kind_names, latest

OtherKinds = Literal["left_out", "normal"]


def settled_kinds(verdicts: Iterable[Verdict]) -> dict[int, tuple[str, ...]]:
    """id -> the kinds that at least half of the raters who named any gave it; none: no entry."""
    found = {}
    for generation, by_rater in latest(verdicts).items():
        named = [v.kinds for v in by_rater.values() if v.kinds]
        votes = Counter(kind for kinds in named for kind in kinds)
        kept = tuple(sorted(kind for kind, count in votes.items() if 2 * count >= len(named)))
        if kept:
            found[generation] = kept
    return found


def about(
    labels: Mapping[int, str],
    kinds_of: Mapping[int, Sequence[str]],
    kinds: Sequence[str],
    others: OtherKinds,
    source: Path,
) -> dict[int, str]:
    """id -> label of a run about some ``kinds`` of artifact; no kinds: about all of them.

    An artifact of none of them, or of no named kind, is left out or counts as normal. A kind that
    no artifact is of is a UserError.
    """
    wanted = set(kind_names(kinds))
    there = {kind for i in labels if labels[i] == "artifact" for kind in kinds_of.get(i, ())}
    if strangers := sorted(wanted - there):
        known = ", ".join(sorted(there)) or "none is named"
        raise UserError(
            f"{source}: no artifact is of the kind {strangers[0]!r}; there are: {known}"
        )
    if not wanted:
        return dict(labels)
    found = {}
    for generation, label in labels.items():
        other = label == "artifact" and not wanted & set(kinds_of.get(generation, ()))
        if not other:
            found[generation] = label
        elif others == "normal":
            found[generation] = "normal"
    return found
