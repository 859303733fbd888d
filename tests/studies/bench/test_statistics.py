from __future__ import annotations

import math

import pytest

from studies.bench.statistics import chance, interval, verdict


def test_an_interval_holds_its_mean_and_no_value_beyond_the_seeds() -> None:
    mean, low, high = interval([1.0, 2.0, 3.0, 6.0])
    assert mean == 3.0
    assert 1.0 <= low < mean < high <= 6.0


def test_equal_seeds_have_an_interval_of_nothing_and_a_single_seed_has_none() -> None:
    assert interval([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0)
    mean, low, high = interval([5.0])
    assert mean == 5.0
    assert math.isnan(low)
    assert math.isnan(high)


def test_five_differences_of_one_sign_come_about_by_chance_in_2_of_32_flips() -> None:
    assert chance([1, 2, 3, 4, 5], [0, 0, 0, 0, 0]) == 2 / 32


def test_a_difference_that_changes_its_sign_comes_about_more_often() -> None:
    # |+-1 +-1 +-1| >= |1 + 1 - 1| in all 8 flips.
    assert chance([1, 1, 0], [0, 0, 1]) == 1.0


@pytest.mark.parametrize("digits", [1e-30, 1.0, 1e30])
def test_equal_pairs_are_a_tie(digits: float) -> None:
    assert verdict([digits] * 10, [digits] * 10) == "tie"


def test_ten_seeds_that_agree_decide_and_three_cannot() -> None:
    better, worse = [1.0 + s / 10 for s in range(10)], [0.5 + s / 20 for s in range(10)]
    assert verdict(better, worse) == "win"
    assert verdict(worse, better) == "loss"
    assert verdict(better[:3], worse[:3]) == "tie"  # 2 of 8 flips are as extreme


def test_more_seeds_than_can_be_gone_through_are_drawn_and_decided_too() -> None:
    assert verdict([1.0 + s / 100 for s in range(20)], [0.0] * 20) == "win"
