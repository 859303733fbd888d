"""Effects of edits, where a unit makes the artifact and where none does."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_survey import FIRED, NORMAL, UNITS, half, knows, ranking, squares

from artifact_units.corrections.correction import Correction
from artifact_units.layers.edits import Scale
from artifact_units.survey.candidates import candidates
from artifact_units.survey.effects import (
    HalfJudge,
    Seen,
    best_of,
    bounds,
    confirmed,
    screened,
    together,
)
from artifact_units.survey.finding import MOVED, NONE, UNDECIDED, Survey, findings, sentence
from artifact_units.survey.judges import ALL

GAP = 0.8  # between what `knows` says of artifacts and of normals
DRAWN = {"resamplings": 1000, "seed": 1}


def usual(layer: str) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full((UNITS,), NORMAL), torch.full((UNITS,), NORMAL)


def judge(of_unit: bool, start: int, harm: float = 10.0) -> HalfJudge:
    return HalfJudge(squares(of_unit), knows, half(start), batch=16, harm=harm)


def surveyed(of_unit: bool, harm: float = 10.0) -> Survey:
    """Of two rankings, the second of which puts the unit that fires last."""
    screen, confirm = judge(of_unit, 0, harm), judge(of_unit, 100, harm)
    tried, left_out = candidates({"a": ranking([0, 1, 2, 3])}, ["layer1", "layer2"], [2], 1000)
    kinds = {ALL: np.arange(1000)}

    def corrections(candidate):
        return candidate.correction(usual, 2.0)

    found = screened(screen, tried, corrections, kinds)
    chosen = {ALL: best_of(found[ALL], 3)}
    kept = confirmed(confirm, chosen, corrections, kinds, **DRAWN)
    return Survey([*found[ALL].values(), *kept], 0.5, harm, left_out, 1.0, 1.0)


def test_the_unit_that_makes_the_artifacts_is_found_and_confirmed() -> None:
    survey = surveyed(of_unit=True)
    (found,) = findings(survey)
    assert found.verdict == MOVED
    assert found.best.effect == pytest.approx(GAP, abs=1e-6)  # held to the range, normals stay
    assert found.best.gap == pytest.approx(GAP, abs=1e-6)
    assert found.best.auc == 1
    assert 0 in [unit for units in json.loads(found.best.units).values() for unit in units]
    assert found.best.way == "range"
    assert sentence(survey, found).startswith("Units move these artifacts: ")


def test_where_no_unit_makes_them_it_says_so() -> None:
    survey = surveyed(of_unit=False)
    (found,) = findings(survey)
    assert found.verdict == NONE
    assert found.best.fall == 0
    said = sentence(survey, found)
    assert said.startswith("No unit set of at most 2 units a layer moves these artifacts: the best")
    assert said.endswith("of the 0.80 by which the judge tells them from normal generations.")


def test_switching_off_repairs_as_much_at_a_price_that_is_counted() -> None:
    seen = judge(True, 0).seen(Correction({"layer1": Scale((0,), (0.0,))}))
    assert seen.falls == pytest.approx(np.full(len(seen.falls), GAP), abs=1e-6)
    assert seen.rises == pytest.approx(np.zeros(len(seen.rises)), abs=1e-6)
    # A quarter of the columns goes to 0: from FIRED in artifacts, from NORMAL in normals.
    assert seen.moved == pytest.approx(np.full(len(seen.moved), FIRED / 4), abs=0.002)
    assert seen.change == pytest.approx(np.full(len(seen.change), NORMAL / 4), abs=0.002)
    (off,) = [
        e
        for e in surveyed(True).effects
        if (e.half, e.way, e.units) == ("screen", "off", '{"layer1": [0]}')
    ]
    assert off.effect == pytest.approx(off.fall - 10 * off.change)
    assert off.effect == pytest.approx(GAP - 10 * NORMAL / 4, abs=0.02)


def test_where_harm_weighs_much_only_what_spares_normals_is_an_effect() -> None:
    effects = [e for e in surveyed(True, harm=1000.0).effects if e.fall > 0]
    assert {e.way for e in effects if e.effect > 0} == {"range"}
    assert {e.way for e in effects if e.effect < 0} == {"off"}


def test_an_edit_that_changes_nothing_has_no_effect() -> None:
    seen = judge(True, 0).seen(Correction())
    for values in (seen.falls, seen.rises, seen.moved, seen.change):
        assert (values == 0).all()


def test_the_largest_effects_are_confirmed_and_the_largest_fall_at_any_harm() -> None:
    tried, _ = candidates({"a": ranking([0, 1, 2, 3])}, ["layer1"], [1], 9)
    some = next(e for e in surveyed(True).effects)
    numbers = [(0.3, 0.1), (0.2, 0.2), (0.1, 0.3), (0.0, 0.9), (-1.0, 0.5)]  # effect, fall
    screen = {
        candidate: replace(some, effect=effect, fall=fall)
        for candidate, (effect, fall) in zip(tried, numbers, strict=False)
    }
    assert best_of(screen, 2) == [tried[0], tried[1], tried[3]]
    assert best_of(screen, 4) == tried[:4]  # it is among them already


def test_the_best_units_of_the_screen_are_tried_together() -> None:
    tried, _ = candidates({"a": ranking([0, 1, 2, 3])}, ["layer1", "layer2"], [2], 99)
    some = surveyed(True).effects[0]
    worth = {("layer2", 3): 0.3, ("layer1", 1): 0.2, ("layer1", 0): 0.1}  # of those off; others 0
    screen = {
        c: replace(some, effect=worth.get((c.units[0][0], c.units[0][1][0]), 0.0))
        if c.alone and c.way == "off"
        else replace(some, effect=0.0 if c.alone else 9.0)
        for c in tried
    }
    assert [(c.units, c.way) for c in together(screen, ["layer1", "layer2"], [2, 9])] == [
        ((("layer1", (1,)), ("layer2", (3,))), "off"),
        ((("layer1", (0, 1)), ("layer2", (3,))), "off"),
    ]


def test_a_kind_is_judged_on_its_own_artifacts() -> None:
    screen = judge(True, 0)
    some = screen.artifacts[:7]
    tried, _ = candidates({"a": ranking([0, 1, 2, 3])}, ["layer1"], [1], 1)
    kinds = {ALL: screen.artifacts, "seven": some}
    found = screened(screen, tried, lambda c: c.correction(usual, 2.0), kinds)
    assert [next(iter(e.values())).artifacts for e in found.values()] == [
        len(screen.artifacts),
        7,
    ]


def test_an_interval_holds_the_effect_and_widens_with_the_number_of_those_confirmed() -> None:
    drawn = np.random.default_rng(0)
    seen = Seen(drawn.normal(0.3, 0.2, 50), np.zeros(40), np.zeros(50), np.full(40, 0.01))
    effect = seen.falls.mean() - 10 * 0.01
    low, high = bounds(seen, 10.0, 0.05, 4000, 1)
    # By Student's t 50 artifacts have 2.01 standard errors, a bootstrap a little less.
    reach = 1.96 * seen.falls.std() / 50**0.5
    assert (low, high) == pytest.approx((effect - reach, effect + reach), abs=0.01)
    wider = bounds(seen, 10.0, 0.005, 4000, 1)
    assert wider[0] < low < effect < high < wider[1]


def test_an_effect_that_may_be_either_is_undecided() -> None:
    survey = surveyed(of_unit=True)
    kept = [e for e in survey.effects if e.half == "confirm"]
    wide = [replace(e, low=0.3, high=0.9) for e in kept]
    (found,) = findings(replace(survey, effects=wide))
    assert found.verdict == UNDECIDED
    assert sentence(survey, found).startswith("Undecided whether a unit set of at most 2 units")
