"""Where a search goes, how far, and what becomes of candidates that cannot be made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_evidence import UNITS, evidence
from small_generator import smaller_generator

from artifact_units.corrections.judge import Judge
from artifact_units.corrections.search import Plan, descended, fitted, searched, write_tried
from artifact_units.errors import UserError
from artifact_units.files.tables import read_table


def bright(images: torch.Tensor) -> torch.Tensor:
    share = images.float().mean((1, 2, 3)) / 255
    return torch.stack([share.log(), (1 - share).log(), torch.full_like(share, -99)], 1)


@pytest.fixture
def judge() -> Judge:
    ids = np.array([1, 3]), np.array([0, 2, 4])
    return Judge(smaller_generator(), bright, *ids, batch=2, harm=10.0)


def known():
    return evidence({name: torch.randn(4, units, 2, 2) for name, units in UNITS.items()})


def raw():
    """Scores that Algorithm 1 does not take as they are."""
    layers = {k: replace(v, score=v.score * 9) for k, v in known().ranked.items()}
    return replace(known(), ranked=layers)


def test_a_descent_goes_along_one_axis_at_a_time_until_nothing_gets_better() -> None:
    grid = {"a": [0, 1, 2], "b": [0, 1, 2]}
    asked = []

    def cost(point):
        asked.append((point["a"], point["b"]))
        return (point["a"] - point["b"] - 1) ** 2 + 0.1 * (point["b"] - 1) ** 2

    # From (0, 0) along a to (1, 0); b cannot better it, and (2, 1), which is best, is not met.
    assert descended(grid, cost) == {"a": 1, "b": 0}
    assert (2, 1) not in asked
    assert (1, 2) in asked


def test_of_equals_the_first_stays() -> None:
    assert descended({"a": [5, 3, 4]}, lambda point: 0.0) == {"a": 5}


def test_options_without_lists_are_one_candidate(judge) -> None:
    tried = searched(judge, Plan("clip", {"n": 1, "stop": 2}), known(), budget=9)
    assert [t.options for t in tried] == [{"n": 1, "stop": 2}]
    assert fitted(tried)[0] is tried[0]


def test_every_value_of_a_single_axis_is_tried_once_and_the_best_is_taken(judge) -> None:
    tried = searched(judge, Plan("clip", {"n": [1, 2, 3], "stop": 2}), known(), budget=9)
    assert [t.options["n"] for t in tried] == [1, 2, 3]
    best, judged = fitted(tried)
    assert any(judged.cost == t.cost for t in tried)
    cheapest = min(tried, key=lambda t: t.cost)
    assert best is cheapest or (cheapest.judged and judged.ties(cheapest.judged))


def test_a_search_ends_with_its_budget(judge) -> None:
    plan = Plan("clip", {"n": [1, 2, 3], "stop": [1, 2, 3]})
    assert len(searched(judge, plan, known(), budget=4)) == 4
    assert len(searched(judge, plan, known(), budget=99)) >= 5


def test_a_candidate_that_cannot_be_made_is_kept_with_the_reason_and_never_taken(
    judge, tmp_path
) -> None:
    options = {"n": 1, "stop": 2, "scale": 1.0, "normalise": ["none", "max"]}
    tried = searched(judge, Plan("sequential", options), raw(), budget=9)
    assert [t.why_not[:31] for t in tried] == ["scale takes normalised scores f", ""]
    best, _ = fitted(tried)
    assert best.options["normalise"] == "max"
    write_tried(tmp_path / "tried", tried, best)
    table = read_table(tmp_path / "tried", "tried").to_pylist()
    assert [row["taken"] for row in table] == [False, True]
    assert table[0]["options"] == '{"n": 1, "stop": 2, "scale": 1.0, "normalise": "none"}'
    assert np.isnan(table[0]["artifacts"])
    assert table[0]["cost"] == np.inf


def test_where_no_candidate_can_be_made_the_first_says_why(judge) -> None:
    plan = Plan("sequential", {"n": [1, 2], "stop": 2, "scale": 1.0})
    with pytest.raises(UserError, match="set normalise of the correction to max or minmax"):
        searched(judge, plan, raw(), budget=9)
