"""What seeds say together: means with intervals, and paired tests. A seed is one observation."""

from __future__ import annotations

from itertools import product

import numpy as np

Values = list[float] | np.ndarray  # one a seed

RESAMPLINGS = 10_000
LEVEL = 0.05  # of the test
MOST = 14  # seeds whose sign flips are all gone through; of more, RESAMPLINGS are drawn


def interval(values: Values) -> tuple[float, float, float]:
    """Mean, and its 95 % bootstrap interval over seeds (NaN of a single seed)."""
    found = np.asarray(values, dtype=np.float64)
    if len(found) < 2:
        return float(found.mean()), float("nan"), float("nan")
    stream = np.random.default_rng(0)
    means = found[stream.integers(len(found), size=(RESAMPLINGS, len(found)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(found.mean()), float(low), float(high)


def chance(values: Values, others: Values) -> float:
    """How often a mean difference at least this large comes about if neither is better.

    Two-sided sign-flip test of the differences of pairs: exact, and it assumes nothing of their
    distribution but that it is symmetric about 0.
    """
    differences = np.asarray(values, np.float64) - np.asarray(others, np.float64)
    if len(differences) <= MOST:
        signs = np.array(list(product([1.0, -1.0], repeat=len(differences))))
    else:
        stream = np.random.default_rng(0)
        signs = stream.choice([1.0, -1.0], size=(RESAMPLINGS, len(differences)))
    means = np.abs(signs @ differences)
    # The smallest digits of sums in another order must not decide.
    return float((means >= abs(differences.sum()) * (1 - 1e-9)).mean())


def verdict(values: Values, others: Values) -> str:
    """``win``, ``loss`` or ``tie`` of ``values`` against ``others``, higher being better."""
    if chance(values, others) >= LEVEL:
        return "tie"
    return "win" if np.mean(values) > np.mean(others) else "loss"
