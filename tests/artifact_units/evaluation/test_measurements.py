from __future__ import annotations

import json
import math

import pytest

from artifact_units.evaluation.measurements import (
    Measurement,
    bars,
    headline,
    metric_name,
    precision_of,
    read_measurements,
    summarise,
    write_bars,
    write_measurements,
)


def row(correction, metric, value, population="artifacts", repeat=0, low=math.nan, high=math.nan):
    return Measurement(correction, repeat, population, metric, value, low, high, 10)


ROWS = [
    row("none", "frechet_scene", 6.0, low=5.0, high=7.0),
    *(row("random", "frechet_scene", value, repeat=r) for r, value in enumerate([7.0, 8.0, 9.0])),
    row("random", "recovery_scene", math.nan),
    row("one", "recovery_scene", 0.123456789),
    row("one", "realism_scene", 1.5, low=1.25, high=1.75),
    row("one", "realistic_scene", 0.75),
    row("one", "pixel_recovery", -0.5),
    row("one", "psnr", 40.0, "normals"),
    row("one", "psnr", 20.0),
    row("none", "mask_iou", 0.5, "heldout"),
    row("defective_score", "mean_average_precision", 0.75, "units"),
]


def test_fid_and_kid_are_names_of_inception_alone() -> None:
    assert metric_name("frechet", "inception") == "fid"
    assert metric_name("kernel", "inception") == "kid"
    assert metric_name("frechet", "vgg16") == "frechet_vgg16"
    assert metric_name("kernel", "scene") == "kernel_scene"
    assert metric_name("precision", "inception") == "precision_inception"


def test_repeats_are_one_mean_and_one_deviation_to_each_side() -> None:
    found = summarise(ROWS)["random", "artifacts", "frechet_scene"]
    assert (found.value, found.low, found.high, found.repeats) == (8, 7, 9, 3)


def test_a_single_repeat_keeps_its_interval() -> None:
    found = summarise(ROWS)["none", "artifacts", "frechet_scene"]
    assert (found.value, found.low, found.high, found.repeats) == (6, 5, 7, 1)


def test_the_headline_is_few_finite_numbers() -> None:
    assert json.loads(headline(ROWS, "scene")) == {
        "frechet_scene": {"none": 6.0, "random": 8.0},
        "recovery_scene": {"one": 0.123457},
        "realism_scene": {"one": 1.5},
        "pixel_recovery": {"one": -0.5},
        "psnr": {"one": 40.0},
        "mask_iou": 0.5,
    }
    assert json.loads(precision_of(ROWS)) == {"mean_average_precision": {"defective_score": 0.75}}


def test_bars_are_of_one_metric_and_population(tmp_path) -> None:
    expected = "correction,value,low,high\nnone,6,5,7\nrandom,8,7,9\n"
    assert bars(ROWS, "artifacts", "frechet_scene") == expected
    write_bars(tmp_path / "plots", ROWS, "scene")
    assert (tmp_path / "plots" / "frechet.csv").read_text() == expected
    assert (tmp_path / "plots" / "psnr.csv").read_text().splitlines()[1].startswith("one,40")
    realism = (tmp_path / "plots" / "realism.csv").read_text()
    assert realism.splitlines()[1:] == ["one,1.5,1.25,1.75"]
    assert (tmp_path / "plots" / "pixel_recovery.csv").read_text().splitlines()[
        1
    ] == "one,-0.5,nan,nan"


def test_measurements_come_back(tmp_path) -> None:
    write_measurements(tmp_path / "m", ROWS[:1])
    assert read_measurements(tmp_path / "m") == ROWS[:1]
    write_measurements(tmp_path / "m", ROWS)
    assert read_measurements(tmp_path / "m")[-1].value == pytest.approx(0.75)
