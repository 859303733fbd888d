from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch

from artifact_units.errors import UserError
from artifact_units.evaluation.truth import (
    average_precision,
    chance_precision,
    intersection_over_union,
    open_truth,
)
from artifact_units.files.tables import write_table


@pytest.mark.parametrize(
    ("scores", "positive", "expected"),
    [
        ([3, 2, 1], [1, 0, 1], (1 + 2 / 3) / 2),
        ([1, 2, 3], [1, 0, 0], 1 / 3),
        ([9, 8, 1, 0], [1, 1, 0, 0], 1),
        ([1, 1], [1, 0], 3 / 4),  # a tie in either order: 1 or 1/2
        ([2, 1, 1, 0], [1, 0, 1, 1], (1 + (1 + 2 / 3) / 2 + 3 / 4) / 3),
        ([5, 5, 5, 5], [0, 1, 0, 0], (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4),
    ],
)
def test_average_precision_by_hand(scores, positive, expected) -> None:
    found = average_precision(np.array(scores, dtype=float), np.array(positive, dtype=bool))
    assert found == pytest.approx(expected)


def test_the_order_of_equal_scores_does_not_matter() -> None:
    scores = np.array([3.0, 1, 1, 1, 0])
    found = {
        average_precision(scores, np.array([False, *p, True]))
        for p in permutations([True, False, False])
    }
    assert len(found) == 1


@pytest.mark.parametrize("ties", [[2, 2, 2, 1, 1], [3, 1, 1, 1, 0], [1, 1, 1, 1, 1]])
def test_a_tie_has_the_mean_precision_of_all_orders_of_it(ties) -> None:
    positive = np.array([True, False, True, False, True])
    orders = [np.array(order) for order in permutations(range(5))]
    sorted_ = [order for order in orders if (np.diff(np.array(ties)[order]) <= 0).all()]
    found = [average_precision(-np.arange(5.0), positive[order]) for order in sorted_]
    tied = average_precision(np.array(ties, dtype=float), positive)
    assert tied == pytest.approx(np.mean(found))


@pytest.mark.parametrize(("units", "positives"), [(5, 2), (6, 1), (4, 4), (1, 1)])
def test_chance_is_the_mean_over_all_orders(units, positives) -> None:
    scores = -np.arange(float(units))
    positive = np.arange(units) < positives
    found = [average_precision(scores, positive[list(p)]) for p in permutations(range(units))]
    assert chance_precision(units, positives) == pytest.approx(np.mean(found))


def test_iou_counts_pixels_and_is_zero_of_nothing() -> None:
    masks = torch.zeros(2, 2, 2, dtype=torch.bool)
    others = masks.clone()
    masks[0, 0], others[0, :, 0] = True, True  # a row and a column: one of three
    assert intersection_over_union(masks, others).tolist() == [1 / 3, 0]


def test_a_folder_without_units_is_no_truth(tmp_path) -> None:
    assert open_truth(tmp_path) is None


def test_masks_come_back_in_the_order_asked_for(tmp_path) -> None:
    (tmp_path / "units.json").write_text('{"layer2": [3, 1]}')
    masks = np.random.default_rng(0).random((3, 5, 5)) < 0.5
    columns = {
        "id": [4, 5, 6],
        "artifact": [True, False, True],
        "area": masks.mean(axis=(1, 2)),
        "mask": [np.packbits(mask).tobytes() for mask in masks],
    }
    write_table(tmp_path / "heldout.parquet", "truths", columns, {"px": "5"})
    truth = open_truth(tmp_path)
    assert truth is not None
    assert truth.units == {"layer2": [3, 1]}
    artifact, found = truth.heldout([6, 4, 5])
    assert artifact.tolist() == [True, True, False]
    assert np.array_equal(found.numpy(), masks[[2, 0, 1]])
    with pytest.raises(UserError, match="holds no generation 9"):
        truth.heldout([9])
