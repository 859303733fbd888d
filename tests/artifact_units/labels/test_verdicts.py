from __future__ import annotations

import pytest

from artifact_units.errors import UserError
from artifact_units.labels.verdicts import Verdict, lines_of, read_verdicts, settle


def said(*verdicts: tuple[int, str, str]) -> list[Verdict]:
    return [Verdict(generation, "abc", rater, verdict) for generation, rater, verdict in verdicts]


def test_what_was_written_is_read_back(tmp_path) -> None:
    verdicts = said((3, "ann", "artifact"), (4, "bob", "unsure"))
    (tmp_path / "labels.jsonl").write_text(lines_of(verdicts))
    assert read_verdicts(tmp_path / "labels.jsonl") == verdicts


def test_a_torn_last_line_is_dropped(tmp_path) -> None:
    text = lines_of(said((3, "ann", "artifact"), (4, "ann", "normal")))
    (tmp_path / "labels.jsonl").write_text(text[:-5])
    assert [v.id for v in read_verdicts(tmp_path / "labels.jsonl")] == [3]


@pytest.mark.parametrize("line", ["nonsense", "{}", '{"id": "x"}', "[1]"])
def test_a_line_that_is_no_verdict_is_named(tmp_path, line: str) -> None:
    (tmp_path / "labels.jsonl").write_text(line + "\n")
    with pytest.raises(UserError, match="line 1 is not a verdict"):
        read_verdicts(tmp_path / "labels.jsonl")


def test_an_unknown_verdict_is_named(tmp_path) -> None:
    (tmp_path / "labels.jsonl").write_text(lines_of(said((1, "ann", "ugly"))))
    with pytest.raises(UserError, match="verdict 'ugly'; it may be artifact"):
        read_verdicts(tmp_path / "labels.jsonl")


def test_the_last_verdict_of_a_rater_counts() -> None:
    assert settle(said((1, "ann", "artifact"), (1, "ann", "normal"))) == {1: ("normal", 1)}


def test_undo_takes_a_verdict_back() -> None:
    assert settle(said((1, "ann", "artifact"), (1, "ann", "undo"))) == {}


def test_the_majority_decides_and_a_tie_drops_the_generation() -> None:
    verdicts = said(
        (1, "ann", "artifact"), (1, "bob", "artifact"), (1, "cy", "normal"),
        (2, "ann", "artifact"), (2, "bob", "normal"),
    )  # fmt: skip
    assert settle(verdicts) == {1: ("artifact", 3)}
