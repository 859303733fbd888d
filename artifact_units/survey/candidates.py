"""What the survey tries: each unit, and the sets that rankings put first, edited in three ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from artifact_units.corrections.correction import Correction
from artifact_units.errors import UserError
from artifact_units.layers.edits import Clip, Edit, Scale
from artifact_units.shapes import PerUnit
from artifact_units.units.evidence import RankedLayer

WAYS = ("off", "range", "up")  # to 0, to the range of normal generations, times a factor
UNIT = "unit"  # what proposes a unit by itself

Ranking = Mapping[str, RankedLayer]  # by layer
Units = tuple[tuple[str, tuple[int, ...]], ...]  # (layer, units) in the order of the network
Ranges = Callable[[str], tuple[PerUnit, PerUnit]]  # layer -> lowest, highest usual value of a unit


@dataclass(frozen=True)
class Candidate:
    """Units by layer, what is done to them (one of ``WAYS``), and which rankings proposed them."""

    units: Units
    way: str
    proposed: str

    @property
    def most(self) -> int:
        """The most units that it edits of one layer."""
        return max(len(units) for _, units in self.units)

    @property
    def alone(self) -> bool:
        """Whether it is a single unit."""
        return len(self.units) == self.most == 1

    def correction(self, ranges: Ranges, factor: float) -> Correction:
        """The edits; ``factor`` is that of the way up."""
        edits: dict[str, Edit] = {}
        for layer, units in self.units:
            if self.way == "range":
                low, high = (values[list(units)].tolist() for values in ranges(layer))
                edits[layer] = Clip(units, tuple(low), tuple(high))
            else:
                edits[layer] = Scale(units, (factor if self.way == "up" else 0.0,) * len(units))
        return Correction(edits)


def candidates(
    rankings: Mapping[str, Ranking], layers: Sequence[str], sizes: Sequence[int], most: int
) -> tuple[list[Candidate], int]:
    """At most ``most`` candidates, and how many are left out.

    Sets come first: of each size the first units of one layer by each ranking, and those of all
    layers together. Then single units, those first that any ranking puts high; so these are left
    out last to first.
    """
    found: dict[Units, list[str]] = {}
    for name, ranking in rankings.items():
        for size in sizes:
            each = [(layer, _first(ranking, name, layer, size)) for layer in layers]
            for units in (*((one,) for one in each), tuple(each)):
                found.setdefault(units, []).append(name)
    for layer, unit in _by_best_rank(rankings, layers):
        found.setdefault(((layer, (unit,)),), []).append(UNIT)
    every = [Candidate(u, way, ", ".join(names)) for u, names in found.items() for way in WAYS]
    return every[:most], max(0, len(every) - most)


def _first(ranking: Ranking, name: str, layer: str, size: int) -> tuple[int, ...]:
    if layer not in ranking:
        raise UserError(f"{layer} has no scores by {name}; there are {', '.join(ranking)}")
    return tuple(sorted(int(unit) for unit in ranking[layer].order[:size]))


def _by_best_rank(rankings: Mapping[str, Ranking], layers: Sequence[str]) -> list[tuple[str, int]]:
    """Every unit, by the highest place that a ranking gives it in its layer."""
    best: dict[tuple[str, int], int] = {}
    for ranking in rankings.values():
        for layer in layers:
            for place, unit in enumerate(ranking[layer].order):
                key = (layer, int(unit))
                best[key] = min(place, best.get(key, place))
    return sorted(best, key=lambda key: (best[key], layers.index(key[0]), key[1]))
