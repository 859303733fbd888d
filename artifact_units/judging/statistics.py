"""Intervals of shares, and agreement of many raters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Z = 1.959964  # 97.5 % of the normal distribution lie below it


def wilson(share: float, count: int, z: float = Z) -> tuple[float, float]:
    """The interval of a share of ``count`` independent cases (Wilson, 1927), 95 % by default.

    Unlike the normal approximation it stays within [0, 1] and has a width at 0 and at 1.
    """
    if count < 1:
        return 0.0, 1.0
    wide = z * z / count
    centre = (share + wide / 2) / (1 + wide)
    half = z * (share * (1 - share) / count + wide / (4 * count)) ** 0.5 / (1 + wide)
    return max(0.0, centre - half), min(1.0, centre + half)


def fleiss_kappa(counts: Sequence[Mapping[str, int]]) -> float | None:
    """(observed - chance) / (1 - chance) agreement of many raters (Fleiss, 1971).

    ``counts`` says of every case how many raters gave each answer; as many raters, at least two,
    for every case, or a ValueError. None where chance alone makes them agree, or of no case.
    """
    if not counts:
        return None
    raters = {sum(case.values()) for case in counts}
    if len(raters) > 1 or min(raters) < 2:
        raise ValueError(f"every case by the same raters, at least two; there are {sorted(raters)}")
    cases, r = len(counts), raters.pop()
    totals = [sum(case.get(answer, 0) for case in counts) for answer in _answers(counts)]
    # In whole numbers: a chance of exactly 1 must be seen as such.
    chance, square = sum(total**2 for total in totals), (cases * r) ** 2
    if chance == square:
        return None
    agreeing = sum(n * (n - 1) for case in counts for n in case.values())
    observed = agreeing / (cases * r * (r - 1))
    return (observed - chance / square) / (1 - chance / square)


def _answers(counts: Sequence[Mapping[str, int]]) -> list[str]:
    return sorted({answer for case in counts for answer in case})
