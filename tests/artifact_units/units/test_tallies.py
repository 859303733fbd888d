from __future__ import annotations

import numpy as np
import pytest
import torch

from artifact_units.computing import stored
from artifact_units.errors import UserError
from artifact_units.units import tallies
from artifact_units.units.tallies import (
    by_units,
    check_countable,
    often_active,
    tallied,
    usual_range,
)

MAPS = torch.randn(9, 5, 3, 4, generator=torch.Generator().manual_seed(0)).half()
VALUES = MAPS.double().transpose(0, 1).flatten(1).numpy()


@pytest.fixture(params=[1, 100], autouse=True)
def at_once(request, monkeypatch) -> None:
    """One image in memory at a time, and all."""
    monkeypatch.setattr(stored, "VALUES", 60 * request.param)


def test_the_range_is_made_of_values_that_occurred() -> None:
    low, high = usual_range(tallied(MAPS), 0.1)
    expected = np.quantile(VALUES, [0.1, 0.9], axis=1, method="inverted_cdf")
    assert [low.tolist(), high.tolist()] == expected.tolist()


def test_more_values_than_a_histogram_holds_are_refused_and_not_wrapped_around() -> None:
    some = torch.zeros(1, 1, 1, 1).half()
    for counting in (tallied, check_countable):
        with pytest.raises(UserError, match=r"lower collect_featuremaps\.images to 1023"):
            counting(some.expand(2048, 1, 1024, 1024))
    check_countable(some.expand(2047, 1, 1024, 1024))


def test_mean_and_deviation_are_those_of_the_values() -> None:
    found = tallied(MAPS)
    assert found.mean() == pytest.approx(VALUES.mean(1), rel=1e-14)
    assert found.deviation() == pytest.approx(VALUES.std(1), rel=1e-14)


def test_a_position_is_active_as_often_as_it_is_above_nothing() -> None:
    maps = torch.tensor([[[[1.0, 0.0, -1.0]]], [[[2.0, 3.0, -1.0]]]]).half()
    assert often_active(maps).tolist() == [[[1.0, 0.5, 0.0]]]


def test_groups_of_units_are_all_of_them_in_order(monkeypatch) -> None:
    monkeypatch.setattr(tallies, "GROUP", 2)
    groups = list(by_units(MAPS))
    assert [g.shape[1] for g in groups] == [2, 2, 1]
    assert torch.equal(torch.cat(groups, 1), MAPS)
