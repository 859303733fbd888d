from __future__ import annotations

import numpy as np
import pytest
import torch

from artifact_units.evaluation import neighbours as near
from artifact_units.metrics import realism as shelved
from artifact_units.metrics.realism import measure, realism, resample

# On a line, one neighbour: the radii of 0, 1, 3, 7 are 1, 1, 2, 4; their median is 1.5, so only
# the balls around 0 and 1 are kept.
REAL = torch.tensor([[0.0], [1], [3], [7]])


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (0.5, 2.0),  # half a radius from both
        (3.0, 0.5),  # 3 itself was pruned: radius 1, distance 2 to 1
        (-4.0, 0.25),
        (1.0, 1e5),  # on a real: its radius over the floor of 1e-5
    ],
)
def test_realism_is_radius_over_distance(place, expected) -> None:
    found = realism(REAL, torch.tensor([[place]]), 1)
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_distances_are_not_squared() -> None:
    # In the plane: radius 5 (3-4-5), the generation at distance 10: 0.5, squared it would be 0.25.
    real = torch.tensor([[0.0, 0], [3, 4]])
    assert realism(real, torch.tensor([[-6.0, -8.0]]), 1).item() == pytest.approx(0.5, rel=1e-5)


def test_a_radius_is_to_the_kth_other() -> None:
    # Two neighbours: the radii of 0, 1, 3, 7 are 3, 2, 3, 6; the median 3 keeps 0, 1 and 3.
    found = realism(REAL, torch.tensor([[9.0]]), 2)
    assert found.item() == pytest.approx(3 / 6, rel=1e-5)


def test_the_mean_and_the_share_of_one_or_more() -> None:
    found = measure(REAL, torch.tensor([[0.5], [3.0], [-4.0], [1.5]]), neighbours=1)
    assert found["realism"] == pytest.approx((2 + 0.5 + 0.25 + 2) / 4, rel=1e-4)
    assert found["realistic"] == 0.5


def test_blocks_do_not_change_the_scores(monkeypatch) -> None:
    generator = torch.Generator().manual_seed(0)
    real, generated = (
        torch.randn(30, 5, generator=generator),
        torch.randn(11, 5, generator=generator),
    )
    whole = realism(real, generated, 3)
    monkeypatch.setattr(near, "BLOCK", 4)
    torch.testing.assert_close(realism(real.clone(), generated, 3), whole, rtol=1e-9, atol=0)


def test_a_value_and_its_resamplings_ask_for_each_distance_once(monkeypatch) -> None:
    real, asked, distances = REAL.clone(), [], near.distances
    monkeypatch.setattr(shelved, "distances", lambda *two: asked.append(two) or distances(*two))
    generated = torch.tensor([[0.5], [3.0]])
    value = measure(real, generated, neighbours=1)["realism"]
    again = resample(real, generated, np.array([[1, 1], [2, 0]]), neighbours=1)["realism"]
    assert again == pytest.approx([value, 2.0], rel=1e-4)
    assert len(asked) == 1
    assert measure(real, generated + 1, neighbours=1)["realism"] != value
    assert len(asked) == 2
