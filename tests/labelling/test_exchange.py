"""Verdicts to and from other programs."""

import json

import pytest
from small_labelling import write_problem

from artifact_units.errors import UserError
from artifact_units.labelling import exchange
from artifact_units.labelling.imports import read_said
from artifact_units.labels.verdicts import Verdict, lines_of

SAID = [
    exchange.Said(3, "ann", "artifact", ("blotch", "grid")),
    exchange.Said(3, "bob", "normal"),
    exchange.Said(12, "ann", "unsure"),
]


@pytest.mark.parametrize(
    ("name", "write"), [("l.csv", exchange.csv_of), ("l.json", exchange.label_studio_of)]
)
def test_what_is_exported_is_imported_again(tmp_path, name, write):
    (tmp_path / name).write_text(write(SAID))
    assert read_said(tmp_path / name, "me", "abc").said == SAID


def test_a_csv_is_plain_and_needs_no_rater(tmp_path):
    assert exchange.csv_of(SAID[:1]) == "id,rater,verdict,kind\n3,ann,artifact,blotch;grid\n"
    (tmp_path / "l.csv").write_text("﻿verdict,note,id\n Artifact ,x, 7\n", encoding="utf-8")
    assert read_said(tmp_path / "l.csv", "me", "abc").said == [(7, "me", "artifact", ())]


def test_tasks_of_label_studio_are_read_as_it_writes_them(tmp_path):
    # As its JSON export has it: a user as a number, an upload's name before the file's.
    result = {
        "id": "x1", "type": "choices", "from_name": "choice", "to_name": "image",
        "value": {"choices": ["Normal"]},
    }  # fmt: skip
    box = {"id": "x2", "type": "rectanglelabels", "value": {"x": 1}}
    annotation = {"id": 5, "completed_by": 1, "result": [box, result], "lead_time": 2.5}
    task = {
        "id": 9,
        "data": {"image": "/data/upload/1/3fa985d1-41.png"},
        "annotations": [annotation],
    }
    (tmp_path / "l.json").write_text(json.dumps([task]))
    assert read_said(tmp_path / "l.json", "me", "abc").said == [(41, "1", "normal", ())]


def test_a_folder_per_class_goes_out_and_in(tmp_path):
    write_problem(tmp_path, 5)
    exchange.write_folder(tmp_path / "out", {1: "artifact", 4: "normal"}, tmp_path / "images")
    files = sorted(str(f.relative_to(tmp_path / "out")) for f in (tmp_path / "out").rglob("*.png"))
    assert files == ["artifact/1.png", "normal/4.png"]
    said = read_said(tmp_path / "out", "me", "abc").said
    assert said == [(1, "me", "artifact", ()), (4, "me", "normal", ())]
    with pytest.raises(UserError, match="holds no generation 9, which is labelled"):
        exchange.write_folder(tmp_path / "other", {9: "normal"}, tmp_path / "images")
    assert not (tmp_path / "other").exists()


def test_another_labels_file_gives_what_counts_of_the_same_checkpoint(tmp_path):
    verdicts = [Verdict(1, "abc", "ann", v) for v in ("artifact", "normal")]
    verdicts += [Verdict(2, "abc", "bob", v) for v in ("artifact", "undo")]
    (tmp_path / "l.jsonl").write_text(lines_of(verdicts))
    assert read_said(tmp_path / "l.jsonl", "me", "abc").said == [(1, "ann", "normal", ())]
    with pytest.raises(UserError, match="labelled on checkpoint abc"):
        read_said(tmp_path / "l.jsonl", "me", "other")


def test_only_what_is_new_is_appended():
    kinds = ("blotch", "grid")
    known = [
        Verdict(3, "abc", "ann", "artifact", kinds=kinds),
        Verdict(3, "abc", "bob", "artifact"),
    ]
    new = exchange.new_verdicts(SAID, known, "abc")
    assert new == [Verdict(3, "abc", "bob", "normal"), Verdict(12, "abc", "ann", "unsure")]


def test_a_verdict_that_names_other_kinds_is_new():
    known = [Verdict(3, "abc", "ann", "artifact", kinds=("grid",))]
    new = exchange.new_verdicts(SAID[:1], known, "abc")
    assert new == [Verdict(3, "abc", "ann", "artifact", kinds=("blotch", "grid"))]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("l.csv", "id\n3\n", "names no columns 'id' and 'verdict'"),
        ("l.csv", "id,verdict\nx,normal\n", "line 2: 'x' is no generation's id"),
        ("l.csv", "id,verdict\n-3,normal\n", "is no generation's id"),
        ("l.csv", "id,verdict\n3,ugly\n", "line 2: verdict 'ugly'; it may be artifact"),
        ("l.csv", "id,verdict\n3,undo\n", "verdict 'undo'"),
        ("l.csv", "id,verdict,kind\n3,normal,grid\n", "line 2: has a kind, but is normal"),
        ("l.csv", 'id,verdict,kind\n3,artifact,"a,b"\n', "line 2: the name of a kind"),
        ("l.csv", "id,verdict\n3\n", r"holds no verdict \(skipped: rows without a verdict: 1\)"),
        ("l.csv", "id,rater,verdict\n", "holds no verdict"),
        ("l.csv", "id,ID,verdict\n1,2,normal\n", "two columns 'id'"),
        ("l.json", "{", "as Label Studio exports them"),
        ("l.json", '[{"data": {}}]', "as Label Studio exports them"),
        ("l.json", "3", "as Label Studio exports them"),
        ("l.txt", "", "give a folder, or a file"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=words) as raised:
        read_said(tmp_path / name, "me", "abc")
    assert str(tmp_path / name) in str(raised.value)


def test_a_folder_of_something_else_is_named(tmp_path):
    with pytest.raises(UserError, match="none of the folders artifact, normal, unsure"):
        read_said(tmp_path, "me", "abc")
    (tmp_path / "normal").mkdir()
    (tmp_path / "normal" / "church.png").write_text("")
    with pytest.raises(UserError, match=r"church\.png: no id in the name"):
        read_said(tmp_path, "me", "abc")
