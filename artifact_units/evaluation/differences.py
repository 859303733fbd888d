"""What two corrections differ by, on the same generations: the interval that a comparison rests on.

Each resampling draws the same generations of both, so what they share (which generations happened
to be looked at) falls out of the difference. Two rows can differ for sure though little is known of
either: whether their own intervals lie apart is no test of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path

import numpy as np

from artifact_units.evaluation.resampling import interval
from artifact_units.evaluation.rows import Estimate
from artifact_units.files.tables import read_table, write_table


@dataclass(frozen=True)
class Difference:
    """``correction`` minus ``other``, and its paired 95 % bootstrap interval (NaN: none)."""

    correction: str
    other: str
    population: str
    metric: str
    value: float
    low: float
    high: float
    images: int

    @property
    def apart(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def differences(
    estimates: Iterable[Estimate], wanted: Iterable[tuple[str, str]]
) -> Iterator[Difference]:
    """Of every two corrections, the later minus the earlier; ``wanted``: (population, metric).

    All pairs, so that none was picked for what it shows. Of repeats, their mean.
    """
    found: dict[tuple[str, str], dict[str, list[Estimate]]] = {place: {} for place in wanted}
    for one in estimates:
        if (place := (one.row.population, one.metric)) in found:
            found[place].setdefault(one.row.correction, []).append(one)
    for place, rows in found.items():
        for (other, first), (correction, second) in combinations(rows.items(), 2):
            value, resampled = (
                _mean(second)[0] - _mean(first)[0],
                _mean(second)[1] - _mean(first)[1],
            )
            bounds = interval(value, resampled, first[0].centred)
            yield Difference(correction, other, *place, value, *bounds, len(first[0].row.ids))


def write_differences(path: Path, found: Sequence[Difference]) -> None:
    """Write the table of differences."""
    columns = {f.name: [getattr(row, f.name) for row in found] for f in fields(Difference)}
    write_table(path, "differences", columns)


def read_differences(path: Path) -> list[Difference]:
    """The table of differences."""
    return [Difference(**row) for row in read_table(path, "differences").to_pylist()]


def _mean(repeats: Sequence[Estimate]) -> tuple[float, np.ndarray]:
    """Value and resamplings of the mean of repeats."""
    value = float(np.mean([one.value for one in repeats]))
    return value, np.mean([one.resampled for one in repeats], axis=0)
