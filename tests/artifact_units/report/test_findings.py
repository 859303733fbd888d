"""The headline says what the numbers say, whatever they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_results import params, write_results

from artifact_units.errors import UserError
from artifact_units.evaluation.measurements import Measurement
from artifact_units.report.data import Results
from artifact_units.report.findings import Findings, headline

NAMES = ["none", "one_layer", "sequential"]


def findings(metric: str, **values: float) -> Findings:
    return Findings(
        [Measurement(c, 0, "artifacts", metric, float(v), images=5) for c, v in values.items()],
        NAMES,
    )


def said_of(found: Findings, folder: Path) -> str:
    """The headline where the truth is known."""
    return headline(Results(*write_results(folder), params()), found)


def test_the_highest_pixel_recovery_is_the_best(tmp_path) -> None:
    found = findings("pixel_recovery", none=0, one_layer=0.5, sequential=0.25)
    assert found.best == "one_layer"
    assert "“one_layer” brings 5 held-out artifact generations 50" in said_of(found, tmp_path)


def test_the_lowest_distance_is_the_best() -> None:
    assert findings("frechet_scene", none=5, one_layer=4, sequential=3).best == "sequential"


def test_a_correction_that_harms_is_no_success(tmp_path) -> None:
    found = findings("pixel_recovery", none=0, one_layer=-2, sequential=-1.5)
    assert said_of(found, tmp_path).startswith("No correction brings")
    assert "(−1.50)" in said_of(found, tmp_path / "again")


def test_the_uncorrected_row_is_never_the_best() -> None:
    assert findings("frechet_scene", none=1, one_layer=2).best == "one_layer"


def test_a_value_that_is_no_number_is_not_compared() -> None:
    assert (
        findings("frechet_scene", none=3, one_layer=float("nan"), sequential=9).best == "sequential"
    )


def test_equals_are_best_together_and_the_uncorrected_row_is_not_among_them() -> None:
    found = findings("precision_scene", none=0.75, one_layer=0.75, sequential=0.75)
    assert [found.is_best(name, "precision_scene") for name in NAMES] == [False, True, True]


@pytest.mark.parametrize(
    ("metric", "shown"),
    [
        ("changed", (0.0, 1.0)),
        ("frechet_scene", (0.0, 1.25)),
        ("pixel_recovery", (-0.25, 1.0)),
        ("kernel_scene", (-0.25, 1.25)),  # unbiased, so below 0 at times
    ],
)
def test_an_interval_ends_where_the_metric_does(metric: str, shown: tuple[float, float]) -> None:
    found = Findings([Measurement("none", 0, "artifacts", metric, 0.5, -0.25, 1.25)], NAMES)
    value = found.get("none", metric)
    assert value is not None
    assert (value.low, value.high) == shown


def test_without_the_uncorrected_row_nothing_can_be_said() -> None:
    with pytest.raises(UserError, match="'none'"):
        findings("frechet_scene", one_layer=2)


def test_with_nothing_to_compare_it_says_so() -> None:
    with pytest.raises(UserError, match="no correction"):
        _ = findings("frechet_scene", none=2).best
