"""Shares, intervals, agreement and controls of judgements whose results are known by hand."""

import json
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from small_judging import careful, careless, judged_by, said, write_judgements

from artifact_units.files.tables import read_table
from artifact_units.judging.judgements import latest
from artifact_units.judging.settling import controls, headline, settle
from artifact_units.judging.statistics import wilson
from steps.judge_corrections import main


def values(judgements):
    rows = settle(latest(judgements))
    return {(row.rater, row.kind, row.measure): row for row in rows}


def test_gone_is_of_the_pairs_where_an_artifact_was_seen_before():
    found = values(
        [
            said("artifacts", 0, answers=("left", "right", True)),  # gone
            said("artifacts", 1, left="after", answers=("right", "left", False)),  # gone
            said("artifacts", 2, answers=("both", "left", True)),  # still there
            said("artifacts", 3, answers=("neither", "left", True)),  # never there
            said("artifacts", 4, answers=("right", "left", True)),  # made
        ]
    )
    shares = {measure: found["", "artifacts", measure] for measure in ("gone", "made", "better")}
    assert {m: (row.value, row.pairs) for m, row in shares.items()} == {
        "gone": (pytest.approx(2 / 3), 3),
        "made": (0.5, 2),
        "better": (0.4, 5),
    }
    assert found["", "artifacts", "same"].value == 0.8
    gone = shares["gone"]
    assert (gone.low, gone.high) == wilson(2 / 3, 3)


def test_of_all_raters_every_pair_weighs_the_same_and_counts_once():
    no = ("left", "left", True)
    found = values(
        [
            said("artifacts", 0),
            said("artifacts", 0, "bob"),
            said("artifacts", 0, "cy", answers=no),
            said("artifacts", 0, "dee", answers=no),
            said("artifacts", 1),
        ]
    )
    row = found["", "artifacts", "better"]
    assert (row.value, row.pairs) == (0.75, 2)
    assert (row.low, row.high) == wilson(0.75, 2)
    assert found["ann", "artifacts", "better"].value == 1
    assert found["dee", "artifacts", "better"].value == 0


def test_agreement_is_on_what_was_judged_whatever_side_it_was_on():
    # By before and after ann says a a b b, bob a b b b: observed .75, chance 2/4*1/4 + 2/4*3/4.
    found = values(
        [
            *(said("artifacts", i, answers=("left", s, True)) for i, s in enumerate(["right"] * 2)),
            *(said("artifacts", i, answers=("left", "left", True)) for i in (2, 3)),
            said("artifacts", 0, "bob", "after", ("right", "left", True)),
            *(said("artifacts", i, "bob", "after", ("right", "right", True)) for i in (1, 2, 3)),
            said("identical", 0),
            said("identical", 0, "bob", answers=("right", "left", False)),
        ]
    )
    row = found["ann and bob", "", "kappa_better"]
    assert (row.value, row.pairs) == (pytest.approx(0.5), 4)
    # Fleiss' pools both raters' answers: chance (3/8)^2 + (5/8)^2.
    chance = (3 / 8) ** 2 + (5 / 8) ** 2
    assert found["", "", "kappa_better"].value == pytest.approx((0.75 - chance) / (1 - chance))
    assert ("", "", "kappa_same") not in found  # they always said yes: chance explains it
    assert ("ann and bob", "", "kappa_artifact") not in found


def test_a_careful_rater_passes_the_controls_and_a_careless_one_is_named_and_counted():
    rows = settle(latest(judged_by("ann", careful) + judged_by("bob", careless)))
    assert controls(rows) == {
        "ann": {"identical": True, "side": True, "control": True},
        "bob": {"identical": False, "side": False, "control": True},
    }
    found = headline(rows)["sequential"]
    assert (found["raters"], found["raters_passed"]) == (2, 1)
    assert found["artifacts"]["better"]["value"] == 0.75  # 1 of ann, 1/2 of bob
    assert found["by_rater"]["ann"]["artifacts"]["better"] == 1


def test_who_likes_any_change_does_not_pass():
    rows = settle(latest(judged_by("cy", lambda _kind, side: ("neither", side, True))))
    assert controls(rows)["cy"] == {"identical": True, "side": True, "control": False}


def test_who_has_seen_no_control_has_not_passed():
    rows = settle(latest([said("artifacts", 0), said("artifacts", 1, left="after")]))
    assert controls(rows) == {"ann": {"side": True}}
    assert headline(rows)["sequential"]["raters_passed"] == 0


def settled(tmp_path, judgements):
    path = tmp_path / "judgements.jsonl"
    write_judgements(path, judgements)
    out, metrics = tmp_path / "out/judged.parquet", tmp_path / "out/metrics.json"
    words = ["--judgements", path, "--out", out, "--metrics", metrics]
    done = CliRunner().invoke(main, ["settle", *map(str, words)])
    return done, out, metrics


def test_the_stage_writes_a_table_and_a_metric_the_same_bytes_again(tmp_path):
    judgements = judged_by("ann", careful) + judged_by("bob", careless)
    done, out, metrics = settled(tmp_path, judgements)
    assert done.exit_code == 0, done.output
    assert "bob did not pass the controls identical, side, and is counted" in done.output
    assert "24 pairs judged by 2" in done.output
    found = json.loads(metrics.read_text())["sequential"]
    assert found["artifacts"]["better"] == {
        "value": 0.75, "pairs": 10,
        "low": pytest.approx(wilson(0.75, 10)[0], rel=1e-5),
        "high": pytest.approx(wilson(0.75, 10)[1], rel=1e-5),
    }  # fmt: skip
    table: Any = pd.DataFrame(read_table(out, "judged").to_pydict())
    assert set(table.rater) == {"", "ann", "bob", "ann and bob"}
    assert table[table.measure.str.startswith("kappa")].low.isna().all()
    before = out.read_bytes(), metrics.read_bytes()
    settled(tmp_path, judgements)
    assert (out.read_bytes(), metrics.read_bytes()) == before


def test_an_empty_file_is_one_line(tmp_path):
    done, out, _ = settled(tmp_path, [])
    assert done.exit_code == 1
    assert "holds no judgement; `judge_corrections serve` adds them" in done.output
    assert not out.exists()
