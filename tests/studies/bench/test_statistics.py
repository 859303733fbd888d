from __future__ import annotations

import math

import numpy as np
import pytest

from studies.bench.statistics import adjusted, chance, interval, student, verdicts

SEEDS, STUDIES = 10, 10_000
STREAM = np.random.default_rng(0)
# How seeds may be spread, and the mean of that: even, skewed, and as shares near a bound are.
SPREADS = {
    "normal": (STREAM.normal(size=(STUDIES, SEEDS)), 0.0),
    "uniform": (STREAM.random((STUDIES, SEEDS)), 0.5),
    "skewed": (STREAM.gamma(4, size=(STUDIES, SEEDS)), 4.0),
    "near a bound": (STREAM.beta(8, 2, size=(STUDIES, SEEDS)), 0.8),
}


def covered(values, mean: float) -> float:
    """The share of studies whose interval holds the mean."""
    bounds = np.array([interval(seeds) for seeds in values])
    return float(((bounds[:, 1] <= mean) & (mean <= bounds[:, 2])).mean())


def verdict(values, others) -> str:
    """Of a family of one."""
    return verdicts({"only": (values, others)})["only"]


@pytest.mark.parametrize(
    ("freedom", "expected"), [(1, 12.7062), (4, 2.7764), (9, 2.2622), (19, 2.0930)]
)
def test_students_t_is_that_of_the_tables(freedom, expected) -> None:
    assert student(freedom) == pytest.approx(expected, abs=1e-4)


def test_an_interval_by_hand() -> None:
    # Deviation sqrt(14 / 3), so 3.1824 sqrt(14 / 3) / 2 to either side.
    mean, low, high = interval([1.0, 2.0, 3.0, 6.0])
    assert (mean, low, high) == pytest.approx((3, 3 - 3.4375, 3 + 3.4375), abs=1e-3)


@pytest.mark.parametrize("spread", SPREADS)
def test_intervals_of_ten_seeds_cover_the_mean_in_about_95_of_100_studies(spread) -> None:
    values, mean = SPREADS[spread]
    assert 0.93 <= covered(values, mean) <= 0.97


def test_where_nearly_all_seeds_lie_at_a_bound_they_cover_less() -> None:
    # The limit that the page states.
    values = np.random.default_rng(3).beta(8, 0.5, size=(STUDIES, SEEDS))
    assert covered(values, 8 / 8.5) == pytest.approx(0.88, abs=0.015)


def test_chances_of_a_family_are_adjusted_by_hand() -> None:
    # Sorted .01 .02 .03 .5, times 4/1 4/2 4/3 4/4: .04 .04 .04 .5.
    assert adjusted([0.03, 0.5, 0.01, 0.02]) == pytest.approx([0.04, 0.5, 0.04, 0.04])
    assert adjusted([0.2]) == pytest.approx([0.2])


def test_of_many_methods_that_are_no_better_a_family_finds_one_in_5_of_100_studies() -> None:
    stream = np.random.default_rng(1)
    found = []
    for _ in range(400):
        methods = stream.normal(size=(20, 8))
        told = verdicts({place: (own, np.zeros(8)) for place, own in enumerate(methods)})
        found.append(any(word != "tie" for word in told.values()))
    assert np.mean(found) <= 0.08  # at most .05, give or take


def test_a_difference_among_many_ties_is_found() -> None:
    stream = np.random.default_rng(2)
    pairs = {place: (stream.normal(size=10), np.zeros(10)) for place in range(9)}
    pairs[9] = (5 + stream.normal(size=10), np.zeros(10))
    assert verdicts(pairs)[9] == "win"


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
