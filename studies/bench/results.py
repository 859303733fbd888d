"""The results of the bench as the page asks for them: a value a seed, in the order of seeds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artifact_units.files.tables import read_table
from studies.bench.methods import PAPER
from studies.bench.statistics import interval, verdicts

USUAL = 0.02  # the rate of wrong labels of the tables that show one: that of params.yaml


@dataclass(frozen=True)
class Results:
    """The table ``truth_bench`` by (kind, error, method, metric): values and notes by seed."""

    kinds: list[str]  # in the order of the table
    seeds: int
    known: dict[tuple[str, float, str, str], list[tuple[float, str]]]

    @classmethod
    def read(cls, path: Path) -> Results:
        """The table at ``path``; seeds are in its order."""
        rows = read_table(path, "truth_bench").to_pylist()
        known = defaultdict(list)
        for row in rows:
            key = (row["kind"], row["error"], row["method"], row["metric"])
            known[key].append((row["value"], row["note"]))
        kinds = list(dict.fromkeys(row["kind"] for row in rows))
        return cls(kinds, len({row["seed"] for row in rows}), dict(known))

    def values(self, kind: str, method: str, metric: str, error: float = USUAL) -> np.ndarray:
        """One value a seed, float64."""
        return np.array([value for value, _ in self.known[kind, error, method, metric]])

    def mean(self, kind: str, method: str, metric: str, error: float = USUAL) -> float:
        """The mean over seeds."""
        return float(self.values(kind, method, metric, error).mean())

    def notes(self, kind: str, method: str, error: float = USUAL) -> list[str]:
        """What a correction says of itself, by seed."""
        return [note for _, note in self.known[kind, error, method, "recovery"]]

    def of_ceiling(self, kind: str, method: str, metric: str, error: float = USUAL) -> np.ndarray:
        """A metric as a part of what the oracle reaches, by seed."""
        ceiling = self.values(kind, "ceiling", metric, error)
        return self.values(kind, method, metric, error) / ceiling

    def against_paper(self, methods: Sequence[str], metric: str) -> dict[tuple[str, str], str]:
        """(kind, method) -> win, tie or loss, as one family of tests.

        What is better when lower is turned round.
        """
        sign = -1 if metric == "unlike" else 1

        def pair(kind: str, method: str) -> tuple[np.ndarray, np.ndarray]:
            first, second = (self.values(kind, name, metric) for name in (method, PAPER))
            return sign * first, sign * second

        return verdicts({(k, m): pair(k, m) for k in self.kinds for m in methods})


def with_interval(values: np.ndarray, digits: int = 2) -> str:
    """``.97 [.95, .99]``; of a single seed the value alone."""
    mean, low, high = interval(values)
    text = f"{mean:.{digits}f}"
    return text if math.isnan(low) else f"{text} [{low:.{digits}f}, {high:.{digits}f}]"
