"""The table of a survey, and its words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_survey import EFFECT

from artifact_units.errors import UserError
from artifact_units.files.tables import write_table
from artifact_units.survey.effects import Effect
from artifact_units.survey.finding import (
    Survey,
    edited,
    findings,
    read_survey,
    sentence,
    write_survey,
)

SURVEY = Survey(
    [replace(EFFECT, half="screen", low=np.nan, high=np.nan), EFFECT], 0.5, 10.0, 3, 0.9, 0.8
)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.3, 0.5, "moved"), (0.29, 0.5, "undecided"), (0.0, 0.3, "undecided"), (0.0, 0.29, "none")],
)
def test_half_of_the_gap_for_sure_is_moved_and_surely_less_is_none(low, high, verdict) -> None:
    (found,) = findings(replace(SURVEY, effects=[replace(EFFECT, low=low, high=high)]))
    assert found.verdict == verdict


def test_a_second_candidate_that_might_reach_it_leaves_it_undecided() -> None:
    effects = [replace(EFFECT, low=0.1, high=0.2), replace(EFFECT, effect=0.0, low=-1.0, high=0.31)]
    assert findings(replace(SURVEY, effects=effects))[0].verdict == "undecided"


@pytest.mark.parametrize(
    ("screen", "confirm", "gap"), [(0.79, 0.95, 0.60), (0.95, 0.79, 0.60), (0.95, 0.85, 0.19)]
)
def test_a_judge_that_hardly_tells_artifacts_from_normals_decides_nothing(
    screen, confirm, gap
) -> None:
    survey = replace(SURVEY, screen_auc=screen, effects=[replace(EFFECT, auc=confirm, gap=gap)])
    (found,) = findings(survey)
    assert found.verdict == "untold"
    assert sentence(survey, found) == (
        "Nothing can be said of these artifacts: a judge hardly tells them from normals "
        f"(AUC {screen} where screened; where confirmed {confirm}, the gap {gap:.2f})."
    )


def test_where_candidates_were_left_out_none_is_said_of_the_others() -> None:
    survey = replace(SURVEY, effects=[replace(EFFECT, low=0.0, high=0.1)], left_out=1500)
    said = sentence(survey, findings(survey)[0])
    assert said.startswith("No unit set of at most 1 units a layer moves these artifacts: ")
    assert said.endswith(" 1,500 candidates were left out.")
    assert "left out" not in sentence(replace(survey, left_out=0), findings(survey)[0])


def test_each_kind_has_its_own_finding() -> None:
    effects = [EFFECT, replace(EFFECT, kind="grid", low=0.0, high=0.1)]
    found = findings(replace(SURVEY, effects=effects))
    assert [(f.kind, f.verdict) for f in found] == [("", "moved"), ("grid", "none")]


@pytest.mark.parametrize(
    ("units", "proposed", "way", "said"),
    [
        ('{"layer4": [46]}', "unit", "off", "unit 46 of layer4, off"),
        (
            '{"layer4": [46, 53]}',
            "contrast",
            "range",
            "units of layer4 (46, 53) by contrast, held to the range of normals",
        ),
        (
            '{"layer1": [1, 2], "layer2": [3], "layer3": [4]}',
            "a, b",
            "up",
            "units of layer1 (1, 2), layer2 (3), layer3 (4) by a, b, up",
        ),
        (
            '{"layer1": [0, 1, 2, 3, 4, 5], "layer2": [0], "layer3": [0, 1, 2, 3, 4]}',
            "the screen",
            "off",
            "12 units of layer1 … layer3 by the screen, off",
        ),
    ],
)
def test_units_are_named_and_where_they_are_many_counted(units, proposed, way, said) -> None:
    assert edited(replace(EFFECT, units=units, proposed=proposed, way=way)) == said


def test_a_survey_is_read_back_as_it_was_written(tmp_path) -> None:
    write_survey(tmp_path / "survey", SURVEY)
    found = read_survey(tmp_path / "survey")
    assert found.effects[1] == EFFECT
    assert np.isnan(found.effects[0].low)
    assert replace(found, effects=[]) == replace(SURVEY, effects=[])
    assert found.tried == 1


def test_a_table_that_does_not_say_how_it_was_made_is_refused(tmp_path) -> None:
    columns = {name: [getattr(EFFECT, name)] for name in Effect.__dataclass_fields__}
    write_table(tmp_path / "survey", "survey", columns)
    with pytest.raises(UserError, match="does not say how it was made; make it anew"):
        read_survey(tmp_path / "survey")
