"""The whole evaluation on fourteen tiny generations whose defect is a white corner."""

from __future__ import annotations

import math
import shutil
import sys
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from small_evaluation import (
    ARTIFACTS,
    CORRECTIONS,
    EXTRACTOR,
    broken,
    clean,
    sources,
    write_run,
)

from artifact_units import registry
from artifact_units.errors import UserError
from artifact_units.evaluation import distances
from artifact_units.evaluation.agreement import rankings_agreement
from artifact_units.evaluation.changes import write_changes
from artifact_units.evaluation.distances import measured, recovered
from artifact_units.evaluation.measurements import summarise
from artifact_units.evaluation.measuring import evaluate
from artifact_units.evaluation.rows import Settings
from artifact_units.evaluation.truth import open_truth
from artifact_units.files.tables import read_table
from artifact_units.images.extraction import write_features
from artifact_units.images.image_sets import open_images, write_images
from artifact_units.units.ranked import read_scores

SETTINGS = Settings({"neighbours": 2, "subsets": 3, "subset_size": 4, "seed": 0}, 20, 0)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    write_run(folder)
    return folder


@pytest.fixture
def run(made, tmp_path):
    """A copy to spoil."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return sources(tmp_path)


@pytest.fixture(scope="module")
def done(made):
    return evaluate(sources(made), CORRECTIONS, 0.5, SETTINGS)


def values(found) -> dict:
    return {key: summary.value for key, summary in summarise(found.measurements).items()}


def test_recovery_is_none_at_broken_and_whole_at_clean(done) -> None:
    found = values(done)
    assert found["perfect", "artifacts", "recovery_mixed"] == pytest.approx(1)
    assert 0 < found["half", "artifacts", "recovery_mixed"] < 1
    assert ("none", "artifacts", "recovery_mixed") not in found
    distance = {
        c: found[c, "artifacts", "frechet_mixed_reference"] for c in (*CORRECTIONS, "clean")
    }
    by_hand = (distance["none"] - distance["perfect"]) / (distance["none"] - distance["clean"])
    assert by_hand == pytest.approx(found["perfect", "artifacts", "recovery_mixed"])
    assert found["reference", "reference", "frechet_mixed_reference"] < distance["none"]


def test_the_recovery_formula_by_hand() -> None:
    broken_, corrected, clean_ = (
        np.array([10.0, 2, 3]),
        np.array([4.0, 1, 1]),
        np.array([2.0, 2, 5]),
    )
    # (10 - 4) / (10 - 2); where broken is no further off than clean there is nothing to recover.
    np.testing.assert_array_equal(recovered(broken_, corrected, clean_), [0.75, np.nan, np.nan])


def test_pixel_recovery_is_of_all_images_together(done) -> None:
    found = values(done)
    assert found["perfect", "artifacts", "pixel_recovery"] == 1
    corner = clean(ARTIFACTS).double()[:, :, :2, :2]
    error = [(shade - corner).abs().sum() for shade in (150, 170)]
    by_hand = np.mean([1 - float(e / (255 - corner).sum()) for e in error])
    assert found["half", "artifacts", "pixel_recovery"] == pytest.approx(by_hand)


def test_masks_and_classifier_are_held_against_the_truth(done) -> None:
    found = values(done)
    # The upper half against the corner: 4 of 8 pixels. One of fourteen verdicts is wrong.
    assert found["none", "heldout", "mask_iou"] == 0.5
    assert found["none", "heldout", "classifier_agreement"] == pytest.approx(13 / 14)


def test_rankings_are_held_against_the_defective_units(made) -> None:
    scores = read_scores([made / "scores" / f"{name}.parquet" for name in ("good", "poor")])
    truth = open_truth(made / "truth")
    assert truth
    rows = rankings_agreement(scores, truth)
    found = {key: value.value for key, value in summarise(rows).items()}
    assert found["good", "units", "average_precision_layer2"] == 1
    # Units 0 and 1 are last (1/3 and 2/4), then in the other repeat too.
    assert found["poor", "units", "mean_average_precision"] == pytest.approx((1 / 3 + 1 / 2) / 2)
    chance = found["chance", "units", "mean_average_precision"]
    assert 5 / 12 < chance < 1


def test_what_was_not_asked_for_does_not_leak_in(done) -> None:
    assert {m.correction for m in done.measurements if m.population == "artifacts"} == {
        *CORRECTIONS,
        "clean",
    }


def test_every_row_has_the_same_images(done) -> None:
    sizes = {(m.population, m.images) for m in done.measurements if m.images in range(1, 10)}
    sizes = {size for size in sizes if size[0] in ("artifacts", "normals")}
    assert sizes == {("artifacts", 8), ("normals", 6)}


def test_a_correction_that_leaves_normals_alone_harms_none(done) -> None:
    found = values(done)
    assert found["half", "normals", "changed"] == 0
    assert found["half", "normals", "unchanged"] == 1
    assert found["half", "artifacts", "unchanged"] == 0
    # One level in one of 48 values: the cap.
    assert found["half", "normals", "psnr"] == pytest.approx(10 * math.log10(255**2 * 48))
    assert found["half", "artifacts", "outside"] == 0
    assert found["half", "artifacts", "changed"] == 0.25
    # Half of the mask is the corner, moved by 105 and 85 of 255.
    assert found["half", "artifacts", "inside"] == pytest.approx(95 / 255 / 2)


def test_the_table_of_changes_has_a_row_a_corrected_image(done, tmp_path) -> None:
    write_changes(tmp_path / "changes.parquet", done.changes)
    table: Any = pd.DataFrame(read_table(tmp_path / "changes.parquet", "changes").to_pydict())
    assert table.groupby(["correction", "repeat"]).size().to_dict() == {
        ("half", 0): 14,
        ("half", 1): 14,
        ("perfect", 0): 14,
    }
    one = table[(table["id"] == 100) & (table["correction"] == "perfect")].iloc[0]
    assert one["pixel_recovery"] == 1
    assert one["outside"] == 0
    assert table["perceptual"].isna().all()


def test_a_perceptual_distance_is_measured_where_there_is_one(done, made, tmp_path) -> None:
    def brightness(images: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        return (others.float() - images.float()).mean((1, 2, 3))

    settings = replace(SETTINGS, perceptual=brightness)
    found = evaluate(sources(made), ["none", "perfect"], 0.5, settings)
    write_changes(tmp_path / "changes.parquet", found.changes)
    rows = read_table(tmp_path / "changes.parquet", "changes").to_pylist()
    one = next(row for row in rows if row["id"] == 100)
    images = clean([100]).float() - broken([100]).float()
    assert one["perceptual"] == pytest.approx(float(images.mean()))
    assert values(found)["perfect", "normals", "perceptual"] == 0
    assert not [m for m in done.measurements if m.metric == "perceptual"]


def test_rows_differ_by_their_values_and_a_row_that_is_the_clean_one_by_nothing(done) -> None:
    found = {(d.metric, d.population, d.correction, d.other): d for d in done.differences}
    seen = values(done)
    for other in ("none", "half"):
        got = found["frechet_mixed", "artifacts", "perfect", other]
        by_hand = [seen[name, "artifacts", "frechet_mixed"] for name in ("perfect", other)]
        assert got.value == pytest.approx(by_hand[0] - by_hand[1])
        assert got.low <= got.value <= got.high
    same = found["frechet_mixed", "artifacts", "clean", "perfect"]
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert not same.apart
    assert found["pixel_recovery", "artifacts", "perfect", "half"].apart
    assert {metric for metric, *_ in found} == {
        "frechet_mixed",
        "realism_mixed",
        "pixel_recovery",
        "psnr",
    }


def test_without_a_truth_nothing_is_said_of_it(made, tmp_path) -> None:
    found = evaluate(replace(sources(made), truth=tmp_path), CORRECTIONS, 0.5, SETTINGS)
    assert {m.population for m in found.measurements} == {"artifacts", "normals"}
    metrics = {m.metric for m in found.measurements}
    assert not {m for m in metrics if "recovery" in m or "reference" in m}
    assert {
        "frechet_mixed",
        "kernel_mixed",
        "precision_mixed",
        "recall_mixed",
        "realism_mixed",
    } < metrics


def test_intervals_hold_their_values_and_none_are_made_up(made, done) -> None:
    with_one = [m for m in done.measurements if not math.isnan(m.low)]
    assert len(with_one) > 20
    assert all(m.low - 1e-9 <= m.value <= m.high + 1e-9 for m in with_one)
    plain = replace(SETTINGS, bootstrap=0)
    none = evaluate(sources(made), CORRECTIONS, 0.5, plain).measurements
    assert [m.value for m in none] == [m.value for m in done.measurements]
    assert all(math.isnan(m.low) and math.isnan(m.high) for m in none)


def test_two_evaluations_are_equal(made, done) -> None:
    again = evaluate(sources(made), CORRECTIONS, 0.5, SETTINGS)
    assert [repr(m) for m in again.measurements] == [repr(m) for m in done.measurements]


def test_the_uncorrected_row_must_be_there(run) -> None:
    with pytest.raises(UserError, match="has no 'none', the uncorrected row; it has half"):
        evaluate(run, ["half"], 0.5, SETTINGS)


@pytest.mark.parametrize("name", ["clean", "reference"])
def test_a_correction_may_not_be_called_as_a_row_of_the_truth(run, name) -> None:
    with pytest.raises(UserError, match=f"cannot be called '{name}'"):
        evaluate(run, ["none", name], 0.5, SETTINGS)


def test_other_generations_in_a_row_are_refused(run, tmp_path) -> None:
    folder = tmp_path / "corrected" / "perfect" / "normals"
    write_images(folder, range(200, 206), iter([clean(range(200, 206))]))
    sets = [open_images(tmp_path / "corrected" / "perfect" / p) for p in ("artifacts", "normals")]
    write_features(tmp_path / "features" / "perfect.parquet", EXTRACTOR, sets, 4)
    with pytest.raises(UserError, match="perfect/normals: other generations than those of 'none'"):
        evaluate(run, CORRECTIONS, 0.5, SETTINGS)


def test_features_of_another_extractor_are_refused(run, tmp_path) -> None:
    sets = [open_images(tmp_path / "corrected" / "half" / p) for p in ("artifacts", "normals")]
    other = replace(EXTRACTOR, name="other")
    write_features(tmp_path / "features" / "half.parquet", other, sets, 4)
    with pytest.raises(UserError, match="features of other, the reals' are of mixed"):
        evaluate(run, CORRECTIONS, 0.5, SETTINGS)


def test_a_metric_without_a_resampling_of_its_own_is_measured_again(monkeypatch) -> None:
    own = ModuleType("own_metric")

    def measure(real, generated, *, neighbours: int):
        return {"mean": float(generated.mean()) + neighbours}

    measure.__module__ = "own_metric"
    monkeypatch.setitem(sys.modules, "own_metric", own)
    monkeypatch.setattr(distances, "take", lambda _shelf, _name: measure)
    generated = torch.tensor([[1.0], [2], [6]])
    value, again = measured("own_metric", generated, generated, SETTINGS)
    assert value == {"mean": 5.0}
    counts = SETTINGS.counts(3)
    assert again["mean"] == pytest.approx(counts @ [1, 2, 6] / 3 + 2)
    assert "frechet" in registry.names("metrics")
