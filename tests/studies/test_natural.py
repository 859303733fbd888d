from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from artifact_units.files.storage import sha256_of
from artifact_units.labels.raters import cohens_kappa, pairs
from artifact_units.labels.verdicts import Verdict, latest, read_verdicts, settle
from steps.making.checks import read_overlay, read_params
from steps.making.overlays import written
from steps.making.parameters import Params
from studies.natural.why import area, fitted, moves_of, with_one

ROOT = Path(__file__).parents[2]
NATURAL = ROOT / "studies/natural"
ANSWERS = ("artifact", "normal", "unsure")


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    return read_verdicts(NATURAL / "labels.jsonl")


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs/natural_artifacts.md").read_text(encoding="utf-8")


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    monkeypatch.chdir(ROOT)
    whole = tmp_path / "params.yaml"
    whole.write_text(written(read_overlay(NATURAL / "params.yaml"), NATURAL), encoding="utf-8")
    return read_params(whole)


def counts_in(page: str, row: str) -> list[int]:
    """The numbers of a row of the page's tables, found by its first cell."""
    found = re.search(rf"^\| {re.escape(row)} \|(.*)\|$", page, re.MULTILINE)
    assert found, row
    return [int(cell) for cell in found[1].split("|") if cell.strip()]


def counted(said: list[str], *, first: bool = True) -> list[int]:
    return [len(said)] * first + [said.count(answer) for answer in ANSWERS]


@pytest.mark.parametrize("name", ["first", "second"])
def test_the_page_counts_the_verdicts_of_each_pass(verdicts, page, name):
    said = [v.verdict for v in verdicts if v.rater == f"{name} pass"]
    assert counts_in(page, name) == counted(said)


def test_the_settled_labels_are_as_many_as_the_page_says_and_enough_of_each_class(verdicts, page):
    labels = Counter(label for label, _ in settle(verdicts).values())
    assert counts_in(page, "settled") == [labels.total(), labels["artifact"], labels["normal"]]
    assert min(labels.values()) >= 60


def test_no_pass_labels_a_generation_twice_and_all_are_sampled(verdicts, params):
    seen = [(v.rater, v.id) for v in verdicts]
    assert len(seen) == len(set(seen))
    assert {v.id for v in verdicts} == set(range(params.sample_generations.labelled))


def test_the_agreement_of_the_passes_is_that_of_the_page(verdicts, page):
    by_id = latest(verdicts)
    (pair,) = pairs(by_id)
    text = " ".join(page.split())
    assert f"Both decided {pair.both} of them and agreed on {pair.agreed}" in text
    assert f"(kappa {pair.kappa:.2f})".replace("0.", ".") in text
    twice = [list(given.values()) for given in by_id.values() if len(given) == 2]
    both = [(a.verdict, b.verdict) for a, b in twice]
    agreed = f"agreed on {sum(a == b for a, b in both)} of {len(both)}"
    assert f"{agreed} (kappa {cohens_kappa(both):.2f})".replace("0.", ".") in text


def test_the_verdicts_are_of_the_shipped_generator(verdicts):
    looked = read_verdicts(NATURAL / "looked.jsonl")
    sha256 = sha256_of(ROOT / "demo/church_generator.safetensors")
    assert {v.checkpoint for v in [*verdicts, *looked]} == {sha256}


def test_the_page_counts_what_was_seen_after_each_correction(page):
    looked = read_verdicts(NATURAL / "looked.jsonl")
    for name in ("none", "one_layer", "sequential_max", "sequential_zero", "shrink", "boundary"):
        said = [v.verdict for v in looked if v.rater == name]
        artifact, normal, unsure = counted(said, first=False)
        row = re.search(rf"^\| `{name}` \|.*$", page, re.MULTILINE)
        assert row, name
        assert row[0].endswith(f"| {artifact}, {unsure}, {normal} |"), name
    cells = []
    for name in ("not moved", "moved there", "moved anywhere"):
        artifact, normal, unsure = counted(
            [v.verdict for v in looked if v.rater == name], first=False
        )
        cells.append(f"{artifact}, {unsure}, {normal}")
    assert " | ".join(cells) in page


def test_the_parameters_of_the_run_are_well_formed_and_of_nothing_planted(params):
    inputs = params.inputs
    assert inputs.generator == "demo/church_generator.safetensors"
    assert inputs.truth == "params/no_truth"


def test_the_area_counts_how_often_a_positive_is_higher():
    # Column 0: 3 > 1, 3 > 2, 2 > 1, and 2 = 2 counts half: 3.5 of 4. Column 1: never.
    positive, negative = np.array([[3.0, 0.0], [2.0, 0.0]]), np.array([[1.0, 5.0], [2.0, 5.0]])
    assert area(positive, negative).tolist() == [0.875, 0.0]


def test_a_random_move_is_as_long_as_the_one_that_it_stands_beside():
    points, to = np.zeros((2, 3)), np.array([[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]])
    moves = moves_of(points, to)
    assert np.linalg.norm(moves["moved anywhere"], axis=1) == pytest.approx([5.0, 1.0])
    assert not moves["not moved"].any()
    assert moves["moved there"].tolist() == to.tolist()


def test_a_fitted_line_is_found_again():
    points = np.random.RandomState(0).standard_normal((4000, 2))
    values = points @ [2.0, -1.0] + 3.0
    # The ridge of 1 against 4000 points moves nothing by more than a thousandth.
    assert with_one(points) @ fitted(points, values) == pytest.approx(values, abs=0.01)
