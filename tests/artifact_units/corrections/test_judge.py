"""What a correction costs, on which generations, and which of several is the best."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_generator import smaller_generator

from artifact_units.corrections.correction import Correction
from artifact_units.corrections.judge import (
    Judge,
    Judged,
    least_change,
    looked_at,
    read_costs,
    write_costs,
)
from artifact_units.errors import UserError
from artifact_units.files.tables import write_table
from artifact_units.layers import placing
from artifact_units.layers.edits import Scale

ARTIFACTS, NORMALS = np.array([1, 3]), np.array([0, 2, 4])


def bright(images: torch.Tensor) -> torch.Tensor:
    """Logits by which the artifact probability is an image's mean shade."""
    share = images.float().mean((1, 2, 3)) / 255
    return torch.stack([share.log(), (1 - share).log(), torch.full_like(share, -99)], 1)


@pytest.fixture
def judge() -> Judge:
    return Judge(smaller_generator(), bright, ARTIFACTS, NORMALS, batch=2, harm=10.0)


def judged(artifacts: list[float], change: list[float]) -> Judged:
    return Judged(np.array(artifacts), np.zeros(len(change)), np.array(change), harm=10.0)


def test_the_cost_is_the_artifacts_probability_and_the_weighed_change_of_normals(judge) -> None:
    def shades(ids):
        images = torch.cat(list(placing.sample(judge.generator, ids, 2)))
        return (images.double() / 255).mean((1, 2, 3)).tolist()

    plain = judge.judged(Correction())
    assert plain.artifacts == pytest.approx(shades(ARTIFACTS), abs=1e-5)
    assert plain.normals == pytest.approx(shades(NORMALS), abs=1e-5)
    assert plain.change.tolist() == [0, 0, 0]
    assert plain.cost == plain.artifacts.mean()
    found = judge.judged(Correction({"layer2": Scale((1,), (0.0,))}))
    assert found.change.mean() > 0
    assert found.cost == pytest.approx(found.artifacts.mean() + 10 * found.change.mean())


def test_costs_are_read_as_they_were_written(judge, tmp_path) -> None:
    found = judge.judged(Correction({"layer2": Scale((1,), (0.0,))}))
    write_costs(tmp_path / "costs", judge, found)
    again = read_costs(tmp_path / "costs", 10.0)
    for name in ("artifacts", "normals", "change"):
        assert getattr(again, name) == pytest.approx(getattr(found, name), rel=1e-6)


def test_of_corrections_that_differ_by_noise_the_one_that_changes_least_is_the_best() -> None:
    # Artifacts differ by -.3, 0, -.3 and -.4, so costs by -.05 with a standard error of .087.
    cheapest = judged([0.2, 0.6, 0.2, 0.1], [0.02] * 4)
    mild = judged([0.5, 0.6, 0.5, 0.5], [0.0] * 4)
    assert cheapest.cost == pytest.approx(mild.cost - 0.05)
    assert least_change([cheapest, mild]) == 1


def test_of_corrections_that_differ_by_more_than_noise_the_cheapest_is_the_best() -> None:
    none = judged([0.9, 0.8, 0.9, 0.8], [0.0] * 4)
    better = judged([0.2, 0.1, 0.3, 0.1], [0.01, 0.011, 0.01, 0.009])
    assert least_change([none, better]) == 1


def test_of_equal_corrections_the_first_is_the_best() -> None:
    same = [judged([0.5, 0.4], [0.0, 0.0]) for _ in range(3)]
    assert least_change(same) == 0


def test_a_correction_that_changes_nothing_wins_by_chance_in_few_cases() -> None:
    stream = np.random.default_rng(0)
    none = [stream.uniform(0, 1, 30) for _ in range(400)]
    found = [
        least_change([judged(list(n), [0.0] * 30), judged(list(n + d), [1e-6] * 30)])
        for n, d in zip(none, stream.normal(0, 0.1, (400, 30)), strict=True)
    ]
    assert np.mean(found) < 0.04  # one-sided, at two standard errors of 30 pairs


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
