"""The choice without a truth: what is looked at, what it costs, where the search goes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_evidence import UNITS, evidence
from small_generator import smaller_generator

from artifact_units.corrections.choice import (
    Candidate,
    Judge,
    best_of,
    choose,
    descended,
    looked_at,
    write_choices,
)
from artifact_units.corrections.correction import Correction
from artifact_units.errors import UserError
from artifact_units.files.tables import read_table, write_table
from artifact_units.layers import placing
from artifact_units.layers.edits import Scale

ARTIFACTS, NORMALS = np.array([1, 3]), np.array([0, 2, 4])


def bright(images: torch.Tensor) -> torch.Tensor:
    """Logits by which the artifact probability is an image's mean shade."""
    share = images.float().mean((1, 2, 3)) / 255
    return torch.stack([share.log(), (1 - share).log(), torch.full_like(share, -99)], 1)


@pytest.fixture
def judge() -> Judge:
    generator = smaller_generator()
    return Judge(generator, bright, ARTIFACTS, NORMALS, batch=2, harm=10.0)


def known():
    maps = {name: torch.randn(4, units, 2, 2) for name, units in UNITS.items()}
    return evidence(maps)


def test_the_cost_is_the_artifacts_probability_and_the_weighed_change_of_normals(judge) -> None:
    def images(ids):
        return torch.cat(list(placing.sample(judge.generator, ids, 2))).double() / 255

    plain = judge.tried(None, Correction())
    assert plain.artifacts == pytest.approx(images(ARTIFACTS).mean().item(), abs=1e-5)
    assert plain.normals == pytest.approx(images(NORMALS).mean().item(), abs=1e-5)
    assert plain.change == 0
    assert plain.cost == plain.artifacts
    found = judge.tried(None, Correction({"layer2": Scale((1,), (0.0,))}))
    assert found.change > 0
    assert found.cost == pytest.approx(found.artifacts + 10 * found.change)


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


def test_options_that_a_corrector_does_not_take_make_no_further_candidate(judge) -> None:
    grid = {
        "ranking": ["one"],
        "corrector": ["clip"],
        "n": [1],
        "stop": [2],
        "scale": [0.0, 0.5, 1.0],
    }
    tried = choose(judge, grid, lambda name: known())
    assert [t.candidate for t in tried] == [
        None,
        Candidate("one", "clip", (("n", 1), ("stop", 2))),
    ]


def test_a_candidate_that_cannot_be_made_is_kept_with_the_reason_and_never_chosen(
    judge, tmp_path
) -> None:
    def evidence_of(name):
        layers = {
            k: replace(v, normalised_score=v.normalised_score * 9)
            for k, v in known().ranked.items()
        }
        return replace(known(), ranked=layers)

    grid = {"ranking": ["one"], "corrector": ["sequential"], "n": [1], "stop": [2], "scale": [1.0]}
    tried = choose(judge, grid, evidence_of)
    assert [t.why_not[:31] for t in tried] == ["", "scale takes normalised scores f"]
    assert best_of(tried).candidate is None
    write_choices(tmp_path / "tried", tried)
    table = read_table(tmp_path / "tried", "choices").to_pylist()
    assert [row["corrector"] for row in table] == ["", "sequential"]
    assert [row["chosen"] for row in table] == [True, False]
    assert table[1]["options"] == '{"n": 1, "stop": 2, "scale": 1.0}'
    assert np.isnan(table[1]["artifacts"])


def test_the_last_ids_of_the_validation_split_are_looked_at(tmp_path) -> None:
    splits = ["train", "validation", "validation", "test", "validation", "validation"]
    labels = ["normal", "artifact", "artifact", "artifact", "artifact", "normal"]
    columns = {"id": range(6), "label": labels, "split": splits, "raters": [1] * 6}
    write_table(tmp_path / "labels", "labels", columns)
    artifacts, normals = looked_at(tmp_path / "labels", 2, 1)
    assert artifacts.tolist() == [2, 4]
    assert normals.tolist() == [5]
    with pytest.raises(UserError, match="1 of the validation split are normal, 2 are asked for"):
        looked_at(tmp_path / "labels", 2, 2)
