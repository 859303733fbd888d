from __future__ import annotations

import numpy as np
import pytest
import torch

from artifact_units.metrics.precision_recall import measure, resample

GRID = torch.cartesian_prod(torch.arange(6.0), torch.arange(6.0))


def test_identical_sets_have_precision_and_recall_one() -> None:
    assert measure(GRID, GRID, neighbours=3) == {"precision": 1, "recall": 1}


def test_a_collapsed_set_is_precise_and_recalls_little() -> None:
    # All generations within 0.01 of one real: inside its ball, and their balls hold no other real.
    collapsed = GRID[14] + torch.linspace(0, 0.01, 10)[:, None]
    found = measure(GRID, collapsed, neighbours=3)
    assert found["precision"] == 1
    assert found["recall"] == pytest.approx(1 / 36)


def test_a_spread_set_recalls_all_and_is_not_precise() -> None:
    # Four generations on the grid, six far away whose balls reach over all of it.
    far = torch.tensor([[50.0, 0], [-50, 0], [0, 50], [0, -50], [50, 50], [-50, -50]])
    found = measure(GRID, torch.cat([GRID[:4], far]), neighbours=3)
    assert found["precision"] == pytest.approx(0.4)
    assert found["recall"] == 1


def test_an_offset_that_float32_hides_distances_behind_changes_nothing() -> None:
    stream = torch.Generator().manual_seed(0)
    sets = [1e-2 * torch.randn(30, 8, generator=stream).bfloat16().float() for _ in range(2)]
    sets = [features.mul(2**16).round().div(2**16) for features in sets]  # exact beside 64
    near = measure(*sets, neighbours=3)
    assert 0 < near["precision"] < 1
    assert measure(*(features + 64 for features in sets), neighbours=3) == near


def test_a_resampling_counts_precision_by_draw_and_recall_by_what_was_drawn() -> None:
    real = torch.tensor([[0.0], [1], [10], [11]]).expand(-1, 2)
    generated = torch.tensor([[0.5], [0.6], [20], [21]]).expand(-1, 2)
    # With one neighbour: balls of the reals reach 1 (in each coordinate), those of the first two
    # generations 0.1, those of the others 1: no real is in any, two of four generations are in.
    assert measure(real, generated, neighbours=1) == {"precision": 0.5, "recall": 0}
    counts = np.array([[3, 0, 1, 0], [0, 0, 2, 2]])
    assert resample(real, generated, counts, neighbours=1)["precision"].tolist() == [0.75, 0]
    # Turned round: the reals at 0.5 and 0.6 are in the balls of the generations 0 and 1 alone.
    recall = resample(generated, real, counts, neighbours=1)["recall"]
    assert recall.tolist() == [0.5, 0]
