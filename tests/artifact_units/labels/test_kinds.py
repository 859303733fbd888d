"""Kinds of artifact: their names, what raters together say, what a run is about."""

from pathlib import Path

import pytest

from artifact_units.errors import UserError
from artifact_units.labels.kinds import about, settled_kinds
from artifact_units.labels.raters import pairs_by_kind
from artifact_units.labels.verdicts import Verdict, kind_names, latest, lines_of, read_verdicts

LABELS = {0: "artifact", 1: "artifact", 2: "normal", 3: "artifact"}
KINDS = {0: ("blotch",), 1: ("blotch", "grid")}  # 3 is of no named kind
SOURCE = Path("labels.jsonl")


def said(generation, rater, *kinds, verdict="artifact"):
    return Verdict(generation, "abc", rater, verdict, kinds=kinds)


def test_names_are_trimmed_in_lower_case_and_each_once():
    assert kind_names(["Grid", "  dark   Blotch ", "grid"]) == ("dark blotch", "grid")


@pytest.mark.parametrize("bad", ["blotch", [""], ["a;b"], ["a,b"], ["x" * 41], [3], ["k"] * 21, {}])
def test_what_is_no_list_of_names_is_refused(bad):
    with pytest.raises(UserError, match="kind"):
        kind_names(bad)


def test_a_line_keeps_its_kinds_and_one_without_is_as_it_was(tmp_path):
    given = [said(1, "ann", "blotch", "grid"), said(2, "ann")]
    (tmp_path / "l.jsonl").write_text(lines_of(given))
    assert read_verdicts(tmp_path / "l.jsonl") == given
    assert "kinds" not in lines_of(given[1:])


def test_a_kind_counts_where_half_of_those_who_named_any_gave_it():
    given = [said(0, "ann", "blotch"), said(0, "bob", "blotch", "grid"), said(0, "cy")]
    given += [said(0, "di", "blotch"), said(1, "ann"), said(2, "ann", verdict="normal")]
    assert settled_kinds(given) == {0: ("blotch",)}  # grid: one of the three who named any


@pytest.mark.parametrize(
    ("kinds", "others", "left"),
    [
        ([], "left_out", LABELS),
        ([], "normal", LABELS),
        (["grid"], "left_out", {1: "artifact", 2: "normal"}),
        (["Grid"], "normal", {0: "normal", 1: "artifact", 2: "normal", 3: "normal"}),
        (["blotch", "grid"], "left_out", {0: "artifact", 1: "artifact", 2: "normal"}),
    ],
)
def test_a_run_about_kinds_sees_their_artifacts_alone(kinds, others, left):
    assert about(LABELS, KINDS, kinds, others, SOURCE) == left


def test_a_kind_that_no_artifact_is_of_is_named_with_those_there_are():
    with pytest.raises(UserError, match="of the kind 'gird'; there are: blotch, grid"):
        about(LABELS, KINDS, ["gird"], "left_out", SOURCE)


def test_raters_agree_on_a_kind_over_what_both_decided_and_named():
    given = [said(0, "ann", "grid"), said(0, "bob", "grid")]
    given += [said(1, "ann", "grid"), said(1, "bob", verdict="normal")]
    given += [said(2, "ann", verdict="normal"), said(2, "bob", "blotch")]
    given += [said(3, "ann", "grid"), said(3, "bob")]  # bob names none: says nothing of kinds
    blotch, grid = pairs_by_kind(latest(given))
    assert (blotch.kind, blotch.both, blotch.agreed) == ("blotch", 3, 2)
    assert (grid.kind, grid.both, grid.agreed) == ("grid", 3, 2)
    assert grid.kappa == pytest.approx(0.4)  # (2/3 - 4/9) / (1 - 4/9)
