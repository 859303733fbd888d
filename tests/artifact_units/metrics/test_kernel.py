from __future__ import annotations

import numpy as np
import pytest
import torch

from artifact_units.errors import UserError
from artifact_units.metrics.kernel import measure, resample

RANDOM = torch.Generator().manual_seed(6)
REAL = torch.randn(8, 3, generator=RANDOM)
GENERATED = torch.randn(6, 3, generator=RANDOM) + 1


def kernel(x: torch.Tensor, y: torch.Tensor) -> float:
    return float((x.double() @ y.double() / 3 + 1) ** 3)


def test_whole_sets_as_subsets_give_the_unbiased_distance() -> None:
    # Of one subset that is everything, the order drops out: the sum over pairs by hand.
    real, n = REAL[:6], 6
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    within = sum(kernel(s[i], s[j]) for s in (real, GENERATED) for i, j in pairs) / (n * (n - 1))
    across = sum(kernel(x, y) for x in real for y in GENERATED) / n**2
    found = measure(real, GENERATED, subsets=2, subset_size=n, seed=0)["kernel"]
    assert found == pytest.approx(within - 2 * across, rel=1e-5)


def test_subsets_larger_than_a_set_are_refused_with_the_least() -> None:
    with pytest.raises(
        UserError, match="at least 7 real and 7 generated images; there are 8 and 6"
    ):
        measure(REAL, GENERATED, subsets=2, subset_size=7, seed=0)


def test_another_seed_takes_other_subsets() -> None:
    found = {
        measure(REAL, GENERATED, subsets=2, subset_size=3, seed=s)["kernel"] for s in (0, 0, 1)
    }
    assert len(found) == 2


def test_a_resampling_leaves_out_pairs_of_an_image_with_itself() -> None:
    counts = np.array([[1] * 6, [3, 2, 1, 0, 0, 0]])
    once, drawn = resample(REAL, GENERATED, counts)["kernel"]

    def by_hand(index: list[int]) -> float:
        pairs = [(i, j) for i in index for j in index if i != j]
        within = np.mean([kernel(GENERATED[i], GENERATED[j]) for i, j in pairs])
        across = np.mean([kernel(GENERATED[i], y) for i in index for y in REAL])
        return float(within - 2 * across)

    # Only differences count: the reals' own part is in neither.
    expected = by_hand([0, 0, 0, 1, 1, 2]) - by_hand([0, 1, 2, 3, 4, 5])
    assert drawn - once == pytest.approx(expected, rel=1e-9)
