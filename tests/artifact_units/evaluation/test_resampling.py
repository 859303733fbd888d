from __future__ import annotations

import numpy as np
import pytest

from artifact_units.evaluation.resampling import draws, interval, mean_of, median_of


def test_each_resampling_draws_as_many_images_as_there_are() -> None:
    counts = draws(7, 20, seed=3)
    assert counts.shape == (20, 7)
    assert (counts.sum(axis=1) == 7).all()
    assert len(np.unique(counts, axis=0)) > 15


def test_equal_seeds_draw_equally() -> None:
    assert np.array_equal(draws(5, 4, 1), draws(5, 4, 1))
    assert not np.array_equal(draws(5, 4, 1), draws(5, 4, 2))


def test_an_interval_is_centred_on_the_value_whatever_the_bias_of_the_resamplings() -> None:
    # 0 ... 1000: 2.5 % and 97.5 % are 25 and 975, the mean is 500.
    resampled = np.arange(1001.0)
    assert interval(3.0, resampled) == interval(3.0, resampled + 77) == (3 - 475, 3 + 475)


def test_without_resamplings_there_is_no_interval() -> None:
    assert np.isnan(interval(3.0, np.zeros(0))).all()
    assert np.isnan(interval(3.0, np.array([1.0, np.nan]))).all()


def test_the_interval_of_a_mean_is_about_two_standard_errors() -> None:
    values = np.random.default_rng(0).normal(10, 2, size=400)
    value, resampled = mean_of(values, draws(400, 2000, 0))
    low, high = interval(value, resampled)
    assert value == values.mean()
    assert low < value < high
    assert (high - low) / 2 == pytest.approx(1.96 * 2 / 20, rel=0.1)


def test_the_interval_of_a_median_holds_nothing_that_no_image_has() -> None:
    values = np.array([1.0, 2, 3, 3, 3])
    value, resampled = median_of(values, draws(5, 500, 0))
    low, high = interval(value, resampled, centred=False)
    assert (value, high) == (3, 3)
    assert 1 <= low < 3
    assert median_of(values, np.array([[3, 2, 0, 0, 0]]))[1].tolist() == [1]


def test_images_without_a_value_count_nowhere() -> None:
    counts = np.array([[3, 0, 1], [0, 4, 0]])
    value, resampled = mean_of(np.array([1.0, np.nan, 5.0]), counts)
    assert value == 3
    # Of the first draw (1 + 1 + 1 + 5) / 4 = 2; of the second nothing: 0.
    assert resampled.tolist() == [2, 0]
    value, resampled = mean_of(np.full(3, np.nan), counts)
    assert np.isnan(value)
    assert len(resampled) == 0
