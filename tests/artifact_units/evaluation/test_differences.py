"""A difference of two rows is known as well as their images are alike, not as well as each is."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from artifact_units.evaluation.differences import (
    Difference,
    differences,
    read_differences,
    write_differences,
)
from artifact_units.evaluation.resampling import draws, interval, mean_of
from artifact_units.evaluation.rows import Estimate, Row
from artifact_units.images.image_sets import ImageSet

PLACE = ("artifacts", "seen")
IMAGES = 50


def estimate(
    name: str, values: np.ndarray, resamplings: int = 200, *, repeat: int = 0, metric: str = "seen"
) -> Estimate:
    """The mean of one value an image, as a row of the same images."""
    nowhere = ImageSet(Path("nowhere"), 4, np.arange(len(values)), np.zeros(0), [])
    row = Row(
        name, repeat, "artifacts", np.arange(len(values)), torch.zeros(len(values), 1), nowhere
    )
    return Estimate(row, metric, *mean_of(values, draws(len(values), resamplings, 0)))


def test_an_equal_shift_of_every_image_is_known_exactly_though_the_rows_are_not() -> None:
    values = np.random.default_rng(0).normal(size=IMAGES)
    rows = [estimate("none", values), estimate("better", values + 0.1)]
    (found,) = differences(rows, [PLACE])
    assert (found.correction, found.other) == ("better", "none")
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert found.apart
    first, second = (row.measurement for row in rows)
    assert first.high > second.low  # each alone is known to about .28


def test_every_pair_is_there_once_and_what_was_not_wanted_is_not() -> None:
    values = np.random.default_rng(0).normal(size=IMAGES)
    rows = [estimate(name, values * k) for k, name in enumerate("abc")]
    rows.append(estimate("a", values, metric="other"))
    found = list(differences(rows, [PLACE, ("normals", "seen")]))
    assert [(d.correction, d.other) for d in found] == [("b", "a"), ("c", "a"), ("c", "b")]


def test_repeats_count_by_their_mean() -> None:
    values = np.random.default_rng(0).normal(size=IMAGES)
    rows = [estimate("none", values)]
    rows += [estimate("random", values + k, repeat=k) for k in (0, 1)]
    (found,) = differences(rows, [PLACE])
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_without_resamplings_nothing_is_apart() -> None:
    rows = [estimate(n, np.full(IMAGES, v), 0) for n, v in (("a", 0.0), ("b", 9.0))]
    (found,) = differences(rows, [PLACE])
    assert found.value == 9
    assert math.isnan(found.low)
    assert not found.apart


def test_intervals_of_differences_hold_the_true_one_in_about_95_of_100_studies() -> None:
    stream, counts = np.random.default_rng(1), draws(100, 1000, 0)  # as many as params.yaml
    held = []
    for _ in range(4000):
        shared = stream.normal(size=100)
        apart = 0.3 + 0.5 * stream.normal(size=100)  # of the two rows, image by image
        (first, one), (second, other) = mean_of(shared, counts), mean_of(shared + apart, counts)
        low, high = interval(second - first, other - one)
        held.append(low <= 0.3 <= high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_the_table_comes_back_as_it_was_written(tmp_path) -> None:
    found = [Difference("a", "none", "artifacts", "psnr", 1.5, 0.5, 2.5, 9)]
    write_differences(tmp_path / "d.parquet", found)
    assert read_differences(tmp_path / "d.parquet") == found
