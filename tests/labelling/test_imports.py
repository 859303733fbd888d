"""Verdicts as the world has them: dialects, copies, withdrawn and repeated annotations."""

import json

import pytest

from artifact_units.errors import UserError
from artifact_units.labelling.given_names import id_of, id_of_image
from artifact_units.labelling.imports import read_said

WANTED = [(0, "ann", "artifact"), (1, "ann", "normal")]


def choice(verdict, field="verdict"):
    return {"type": "choices", "from_name": field, "value": {"choices": [verdict]}}


def annotation(*results, **more):
    return {"completed_by": {"id": 1, "email": "ann"}, "result": [*results], **more}


def read_tasks(path, tasks, field=None):
    path.write_text(json.dumps(tasks))
    return read_said(path, "me", "abc", field)


def task(number, *annotations):
    return {"data": {"image": f"/data/upload/1/3fa85f64-{number}.png"}, "annotations": annotations}


@pytest.mark.parametrize(
    "text",
    [
        "id\trater\tverdict\n0\tann\tartifact\n1\tann\tnormal\n",
        "id;rater;verdict\n0;ann;artifact\n1;ann;normal\n",
        "sep=;\nid;rater;verdict\n0;ann;artifact\n1;ann;normal\n",
        "ID,Rater,Verdict\n0,ann,Artifact\n1,ann,NORMAL\n",
        "\ufeff id , rater , verdict\n0, ann, artifact\n\n1, ann, normal\n",
        'note,"verdict","id","rater"\n"a,b","artifact","0","ann"\n,"normal","1","ann"\n',
    ],
)
@pytest.mark.parametrize("name", ["l.csv", "L.CSV"])
def test_a_csv_is_read_in_the_dialect_that_it_has(tmp_path, text, name):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert [one[:3] for one in read_said(tmp_path / name, "me", "abc").said] == WANTED


def test_text_in_utf_16_is_called_that(tmp_path):
    (tmp_path / "l.csv").write_text("id,verdict\n0,normal\n", encoding="utf-16")
    with pytest.raises(UserError, match=r"l\.csv: text in UTF-16; save it as UTF-8"):
        read_said(tmp_path / "l.csv", "me", "abc")


@pytest.mark.parametrize(
    "name",
    [
        *("12.png", "0012.png", "seed-12.png", "seed_12.png"),
        *("12 (1).png", "12 - Copy.png", "12 - Copy (2).png", "12 copy 2.png"),
    ],
)
def test_an_id_is_the_only_number_of_a_name(name):
    assert int(id_of(name, name)) == 12


@pytest.mark.parametrize(
    "name", ["abcd-seed0012_v2.png", "12_AbCdEf7.png", "12 3.png", "1-12.png", "a.png", "12b.png"]
)
def test_an_id_is_never_guessed(name):
    with pytest.raises(UserError, match=r"it takes ID\.png, PREFIX-ID\.png"):
        id_of(name, name)


@pytest.mark.parametrize(
    "image",
    ["/data/upload/1/3fa85f64-12.png", "/data/local-files/?d=a/12.png", "s3://b/12.png?x=7"],
)
def test_a_task_names_its_image_by_a_path_or_url(image):
    assert id_of_image(image, "task 1") == "12"


def put(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")


def test_copies_and_system_files_of_a_folder_are_no_more_verdicts(tmp_path):
    put(tmp_path, "artifact/12.png", "artifact/12 (1).png", "Normal/13 - Copy.PNG")
    put(tmp_path, "artifact/Thumbs.db", "artifact/.DS_Store", "artifact/notes.txt")
    found = read_said(tmp_path, "me", "abc")
    assert sorted(one[:3] for one in found.said) == [(12, "me", "artifact"), (13, "me", "normal")]
    assert str(found) == "skipped: further copies of an image: 1, no images: 1"


def test_one_image_in_two_folders_is_refused_by_name(tmp_path):
    put(tmp_path, "artifact/12.png", "normal/12 (1).png")
    with pytest.raises(UserError, match=r"artifact/12\.png and .*normal/12 \(1\)\.png"):
        read_said(tmp_path, "me", "abc")


def test_a_cancelled_annotation_is_skipped_and_counted(tmp_path):
    tasks = [task(0, annotation(choice("artifact"), was_cancelled=True))]
    tasks += [task(1, annotation(choice("normal"), was_cancelled=False))]
    found = read_tasks(tmp_path / "l.json", tasks)
    assert [one[:3] for one in found.said] == [(1, "ann", "normal")]
    assert str(found) == "skipped: cancelled annotations: 1"


@pytest.mark.parametrize("first", ["2024-01-02", "2024-01-02T08:00:00.5Z"])
def test_of_a_rater_who_annotated_twice_the_newer_counts(tmp_path, first):
    both = [annotation(choice("artifact"), updated_at=first)]
    both += [annotation(choice("normal"), updated_at="2024-01-01")]
    for order in (both, both[::-1]):
        found = read_tasks(tmp_path / "l.json", [task(0, *order)])
        assert [one[:3] for one in found.said] == [(0, "ann", "artifact")]
        assert str(found) == "skipped: older annotations of a rater: 1"


def test_of_several_fields_with_choices_one_must_be_named(tmp_path):
    tasks = [task(0, annotation(choice("artifact"), choice("blurry", "quality")))]
    for field in (None, "other"):
        with pytest.raises(UserError, match="are quality, verdict; name one with --field"):
            read_tasks(tmp_path / "l.json", tasks, field)
    found = read_tasks(tmp_path / "l.json", tasks, "verdict")
    assert [one[:3] for one in found.said] == [(0, "ann", "artifact")]
    assert str(found) == "skipped: choices of other fields: 1"


@pytest.mark.parametrize(
    ("tasks", "instead"),
    [
        ([{**task(0), "predictions": [{}]}], "tasks with predictions only: 1"),
        ([task(0, annotation({"type": "rectanglelabels"}))], "rectanglelabels results: 1"),
        ([task(0, annotation())], "empty annotations: 1"),
        ([], "it is empty"),
    ],
)
def test_where_no_verdict_is_read_it_is_said_what_there_is(tmp_path, tasks, instead):
    with pytest.raises(UserError, match=f"holds no verdict .*{instead}"):
        read_tasks(tmp_path / "l.json", tasks)
