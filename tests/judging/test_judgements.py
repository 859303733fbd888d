"""The judgements file: what is read, what counts, what is refused."""

import pytest
from small_judging import said, write_judgements

from artifact_units.errors import UserError
from artifact_units.judging.judgements import Pair, answers_of, latest, read_judgements


def test_what_is_written_is_read_again_and_a_torn_line_dropped(tmp_path):
    path = tmp_path / "judgements.jsonl"
    given = [said("artifacts", 7), said("control", 8, "bob", "after", None)]
    write_judgements(path, given)
    with path.open("a") as file:
        file.write('{"kind": "norm')
    assert read_judgements(path) == given


def test_a_raters_last_word_on_a_pair_counts_and_what_is_taken_back_does_not():
    changed = said("artifacts", 7, answers=("both", "left", False))
    given = latest(
        [
            said("artifacts", 7),
            said("artifacts", 7, "bob"),
            said("normals", 7),
            said("normals", 7, answers=None),
            changed,
        ]
    )
    assert given == {Pair("artifacts", 7): {"ann": changed, "bob": said("artifacts", 7, "bob")}}


@pytest.mark.parametrize(
    ("left", "answer", "side"),
    [
        ("before", "left", "before"),
        ("before", "right", "after"),
        ("after", "left", "after"),
        ("after", "right", "before"),
        ("after", "both", "both"),
        ("before", "neither", "neither"),
    ],
)
def test_left_and_right_are_before_and_after_by_what_was_left(left, answer, side):
    assert said("artifacts", 1, left=left).side(answer) == side


@pytest.mark.parametrize(
    ("answers", "name"),
    [
        (("up", "left", True), "artifact"),
        (("left", "both", True), "better"),
        (("left", ["left"], True), "better"),
        (("left", "left", 1), "same"),
    ],
)
def test_what_is_no_answer_is_refused(answers, name):
    artifact, better, same = answers
    given = {"artifact": artifact, "better": better, "same": same}
    with pytest.raises(ValueError, match=name):
        answers_of(given)
    with pytest.raises(ValueError, match="artifact"):
        answers_of({})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"left": "before"', '"left": "above"'),
        ('"kind": "artifacts"', '"kind": "ugly"'),
        ('"same": true', '"same": "true"'),
        ('"id": 7', '"id": "x"'),
        ('"rater"', '"who"'),
        ("{", "["),
    ],
)
def test_a_line_that_is_no_judgement_is_named(tmp_path, old, new):
    path = tmp_path / "judgements.jsonl"
    write_judgements(path, [said("artifacts", 6), said("artifacts", 7)])
    first, second = path.read_text().splitlines()
    path.write_text(f"{first}\n{second.replace(old, new)}\n")
    with pytest.raises(UserError, match="line 2 is not a judgement"):
        read_judgements(path)


def test_two_studies_in_one_file_are_refused(tmp_path):
    path = tmp_path / "judgements.jsonl"
    write_judgements(path, [said("artifacts", 6), said("artifacts", 7)])
    first, second = path.read_text().splitlines()
    path.write_text(f"{first}\n{second.replace('s' * 64, 't' * 64)}\n")
    with pytest.raises(UserError, match=r"several studies \(ssssssss, tttttttt\)"):
        read_judgements(path)


def test_no_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match="no such judgements file"):
        read_judgements(tmp_path / "none.jsonl")


def test_a_file_that_is_no_text_is_one_line(tmp_path):
    (tmp_path / "x.jsonl").write_bytes(b"PAR1\xff")
    with pytest.raises(UserError, match="not UTF-8 text"):
        read_judgements(tmp_path / "x.jsonl")
