"""One planting of the shipped generator, with as few images as its numbers can do with."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from small_bench import TINY

from studies.bench.cell import Found, found_of
from studies.bench.learned import Learned
from studies.bench.methods import BY_OTHER_COSTS, CHOICE, METHODS, RANKINGS
from studies.bench.stand import Stand, stand_of


@pytest.fixture(scope="module")
def stand() -> Stand:
    return stand_of("easy", 0, TINY)


@pytest.fixture(scope="module")
def found(stand) -> dict[tuple[str, str], Found]:
    return {(f.method, f.metric): f for f in found_of(stand, 0, 0.1)}


def test_every_method_has_every_metric_and_every_ranking_a_precision(found) -> None:
    metrics = ("frechet", "recovery", "pixel_recovery", "unlike", "psnr", "unchanged")
    wanted = {(name, metric) for name in (*TINY.methods, "ceiling") for metric in metrics}
    wanted |= {(name, "average_precision") for name in RANKINGS}
    assert wanted <= set(found)
    assert all(math.isfinite(f.value) for f in found.values())


def test_no_correction_recovers_nothing_and_changes_nothing(found) -> None:
    assert found["none", "recovery"].value == 0
    assert found["none", "pixel_recovery"].value == 0
    assert found["none", "psnr"].value == pytest.approx(89.03, abs=0.01)
    assert found["none", "unchanged"].value == 1


def test_where_units_are_silent_ablating_the_true_ones_is_perfect(found) -> None:
    assert found["zero_true", "recovery"].value == 1
    assert found["zero_true", "pixel_recovery"].value == 1
    assert found["ceiling", "pixel_recovery"].value == 1
    assert found["zero_true", "unlike"].value == 0


def test_the_defective_score_finds_the_units_by_true_masks(found) -> None:
    assert found["oracle", "average_precision"].value > found["chance", "average_precision"].value
    assert found["oracle", "average_precision_layer4"].value > 0.5  # 10 of 80 are artifacts


def test_the_choice_says_what_it_chose(found) -> None:
    assert "artifact probability" in found["chosen", "recovery"].note
    assert found["none", "recovery"].note == ""


def test_every_cost_falls_on_one_of_the_same_corrections(found) -> None:
    for cost in ("chosen_gated", *BY_OTHER_COSTS):
        assert found[cost, "recovery"].note.partition(":")[0] in CHOICE
    gated, plain = found["chosen_gated", "psnr"], found["chosen", "psnr"]
    assert gated.note == plain.note
    assert gated.value >= plain.value - 0.5  # where no artifact is seen, nothing changes


def test_a_tenth_of_the_labels_is_wrong_and_the_truth_is_kept(stand) -> None:
    _, seen = stand.labelled
    right, wrong = (Learned(stand, 0, error).said == "artifact" for error in (0.0, 0.1))
    assert np.array_equal(right, seen.artifact)
    assert 2 <= (right != wrong).sum() <= 16  # 8 of 80 expected


def test_held_out_generations_are_true_artifacts_and_normals_beside_their_twins(stand) -> None:
    artifacts, normals = stand.heldout["artifacts"], stand.heldout["normals"]
    assert (len(artifacts.ids), len(normals.ids)) == (10, 5)
    assert artifacts.masks.flatten(1).any(1).all()
    assert not torch.equal(artifacts.broken, artifacts.clean)
    assert not set(artifacts.ids) & set(normals.ids)


def test_the_units_that_score_highest_are_those_that_a_corrector_is_handed(stand) -> None:
    learned = Learned(stand, 0, 0.0)
    evidence = learned.corrector_evidence("activation_difference")
    layer = evidence.ranked["layer4"]
    assert layer.order[0] == layer.score.argmax()
    assert set(evidence.ranked) == set(stand.layers)


def test_every_method_that_is_compared_names_a_ranking_that_is_computed() -> None:
    assert {method.ranking for method in METHODS.values()} <= set(RANKINGS)
