"""Raters: their names, how far they agree, and where they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from artifact_units.errors import UserError
from artifact_units.labels.verdicts import Verdict

DECIDED = ("artifact", "normal")  # unsure is no side
LONGEST = 40  # characters of a name


@dataclass(frozen=True)
class Pair:
    """Two raters on the generations that both decided."""

    raters: tuple[str, str]
    both: int
    agreed: int
    kappa: float | None  # none where chance alone makes them agree, or nothing is in common
    kind: str = ""  # of artifact, that both say is there or not; empty: artifact or normal


def rater_name(given: object) -> str:
    """A rater's name, trimmed; a UserError where it is none."""
    name = " ".join(given.split()) if isinstance(given, str) else ""
    if not (0 < len(name) <= LONGEST and name.isprintable()):
        raise UserError(f"a rater's name has 1 to {LONGEST} characters")
    return name


def pairs(given: Mapping[int, Mapping[str, Verdict]]) -> list[Pair]:
    """Every two raters of ``labels.latest``, by name."""
    raters = sorted({rater for by_rater in given.values() for rater in by_rater})
    return [_pair(given, a, b) for a, b in combinations(raters, 2)]


def _pair(given: Mapping[int, Mapping[str, Verdict]], a: str, b: str) -> Pair:
    said = [
        (by_rater[a].verdict, by_rater[b].verdict)
        for by_rater in given.values()
        if a in by_rater and b in by_rater
    ]
    said = [both for both in said if set(both) <= set(DECIDED)]
    return Pair((a, b), len(said), sum(x == y for x, y in said), cohens_kappa(said))


def pairs_by_kind(given: Mapping[int, Mapping[str, Verdict]]) -> list[Pair]:
    """Every kind, and every two raters who named kinds of the same generations.

    A generation counts where both decided and whoever called it an artifact named its kinds.
    """
    sides = {
        generation: {rater: v.kinds for rater, v in by_rater.items() if _has_kinds(v)}
        for generation, by_rater in given.items()
    }
    kinds = sorted({kind for of in sides.values() for own in of.values() for kind in own})
    raters = sorted({rater for of in sides.values() for rater in of})
    found = [
        _pair_of(kind, (a, b), [(of[a], of[b]) for of in sides.values() if a in of and b in of])
        for kind in kinds
        for a, b in combinations(raters, 2)
    ]
    return [pair for pair in found if pair.both]


def _has_kinds(verdict: Verdict) -> bool:
    return verdict.verdict == "normal" or bool(verdict.kinds)


def _pair_of(
    kind: str, raters: tuple[str, str], named: Iterable[tuple[tuple[str, ...], tuple[str, ...]]]
) -> Pair:
    said = [(str(kind in a), str(kind in b)) for a, b in named]
    return Pair(raters, len(said), sum(x == y for x, y in said), cohens_kappa(said), kind)


def cohens_kappa(said: Iterable[tuple[str, str]]) -> float | None:
    """(observed - chance) / (1 - chance) agreement of two raters (Cohen, 1960)."""
    both = list(said)
    if not both:
        return None
    first, second = Counter(a for a, _ in both), Counter(b for _, b in both)
    # In whole numbers: a chance of exactly 1 must be seen as such.
    chance, square = sum(first[label] * second[label] for label in first), len(both) ** 2
    if chance == square:
        return None
    observed = len(both) * sum(a == b for a, b in both)
    return (observed - chance) / (square - chance)


def disagreements(given: Mapping[int, Mapping[str, Verdict]]) -> list[int]:
    """The generations that one rater calls artifact and another normal."""
    return [
        generation
        for generation, by_rater in given.items()
        if len({v.verdict for v in by_rater.values()} & set(DECIDED)) > 1
    ]
