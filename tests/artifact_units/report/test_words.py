"""How numbers are written."""

from __future__ import annotations

import pytest

from artifact_units.report.words import (
    counted,
    features_of,
    interval,
    listed,
    metric,
    number,
    percent,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.8125, "0.812"),
        (0.9996, "1.00"),
        (12.345, "12.3"),
        (123456.0, "123,000"),
        (0.01234, "0.012"),
        (0.001234, "0.0012"),
        (9.999, "10.0"),
        (-0.5, "−0.500"),
        (-0.0, "0"),
        (float("nan"), "–"),
        (float("inf"), "∞"),
    ],
)
def test_a_number_has_three_digits(value: float, written: str) -> None:
    assert number(value) == written


def test_an_interval_with_an_end_missing_is_none() -> None:
    assert interval(0.1, 0.25) == "0.100 to 0.250"
    assert interval(0.1, float("nan")) == ""


def test_percent_does_not_break_over_lines() -> None:
    assert percent(0.826) == "83\N{NO-BREAK SPACE}%"
    assert percent(-0.5) == "−50\N{NO-BREAK SPACE}%"


def test_lists_and_counts_read_as_sentences() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert [counted(n, "unit") for n in (1, 2)] == ["1 unit", "2 units"]


def test_a_metric_is_known_with_its_extractor_behind_it() -> None:
    assert metric("frechet_scene").better == "lower"
    assert metric("frechet_scene_reference").title == "Fréchet distance to clean"
    assert [features_of(n) for n in ("frechet_scene_reference", "fid", "realism_vgg16")] == [
        "scene",
        "",
        "vgg16",
    ]
    assert metric("pixel_recovery").better == "higher"
    assert metric("pixel_recovery").title == "pixel recovery"
    assert metric("something_new").title == "something new"
