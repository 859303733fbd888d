from __future__ import annotations

import json

import pytest

from artifact_units.errors import UserError
from artifact_units.files.manifests import (
    digest_of,
    hashes_of,
    made_from,
    manifest_of,
    mark_unfinished,
    verify,
    write_manifest,
)
from artifact_units.files.tables import write_table

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180's example


@pytest.fixture
def folder(tmp_path):
    """An output of two files, with its manifest."""
    out = tmp_path / "out"
    (out / "deep").mkdir(parents=True)
    (out / "a").write_text("abc")
    (out / "deep" / "b").write_text("b")
    write_manifest(out, "make_it", {}, {})
    return out


def refused(path) -> str:
    with pytest.raises(UserError) as caught:
        verify(path, hashes_of(path))
    said = str(caught.value)
    assert "\n" not in said
    return said


def test_a_manifest_says_what_was_made_by_what_of_what(tmp_path) -> None:
    (tmp_path / "out").write_text("abc")
    write_manifest(tmp_path / "out", "make_it", {"labels": "12"}, {"n": 4})
    content = json.loads((tmp_path / "out.manifest.json").read_text())
    assert content.pop("tools").keys() >= {"numpy", "pyarrow", "torch"}
    assert content == {
        "manifest": 1,
        "step": "make_it",
        "inputs": {"labels": "12"},
        "parameters": {"n": 4},
        "files": {"out": {"bytes": 3, "sha256": ABC}},
    }


def test_what_an_output_was_made_from_is_found_from_within_it(tmp_path) -> None:
    (tmp_path / "out" / "deep").mkdir(parents=True)
    inside = tmp_path / "out" / "deep" / "file"
    inside.write_text("abc")
    assert made_from(inside, "labels") is None  # nobody said
    write_manifest(tmp_path / "out", "make_it", {"labels": "12"}, {})
    assert (made_from(inside, "labels"), made_from(inside, "images")) == ("12", None)


def test_a_table_is_named_with_the_version_of_its_schema(tmp_path) -> None:
    write_table(tmp_path / "t.parquet", "maxima", {"layer": [], "id": [], "maxima": []})
    write_manifest(tmp_path / "t.parquet", "make_it", {}, {})
    (file,) = json.loads((tmp_path / "t.parquet.manifest.json").read_text())["files"].values()
    assert (file["table"], file["schema"]) == ("maxima", "1")


def test_equal_outputs_in_other_places_have_equal_manifests(tmp_path) -> None:
    texts = []
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "out").write_text("abc")
        write_manifest(tmp_path / place / "out", "make_it", {"b": "1", "a": "2"}, {})
        texts.append((tmp_path / place / "out.manifest.json").read_bytes())
    assert texts[0] == texts[1]


def test_what_was_made_is_accepted_whole_and_in_parts(folder) -> None:
    for path in (folder, folder / "a", folder / "deep", folder / "deep" / "b", folder.parent):
        verify(path, hashes_of(path))


def test_what_a_user_brings_has_no_manifest_and_is_accepted(tmp_path) -> None:
    (tmp_path / "image.png").write_text("x")
    verify(tmp_path, hashes_of(tmp_path))


@pytest.mark.parametrize("read", ["", "a", ".."])
def test_a_changed_file_is_refused_by_its_own_name(folder, read) -> None:
    (folder / "a").write_text("abd")
    said = refused((folder / read).resolve())
    assert said.startswith(f"{folder / 'a'}: has sha256 a52d159f262b, its manifest says {ABC[:12]}")
    assert "make it anew (step make_it)" in said


@pytest.mark.parametrize("read", ["", ".."])
def test_a_missing_file_is_refused(folder, read) -> None:
    (folder / "a").unlink()
    assert refused((folder / read).resolve()).startswith(f"{folder / 'a'}: is missing")


@pytest.mark.parametrize("read", ["", "deep", ".."])
def test_a_file_that_no_step_made_is_refused_among_those_that_one_made(folder, read) -> None:
    (folder / "deep" / "c").write_text("c")
    said = refused((folder / read).resolve())
    assert said.startswith(f"{folder / 'deep' / 'c'}: is in no manifest")


def test_a_change_elsewhere_in_the_output_does_not_matter_to_who_reads_a_part(folder) -> None:
    (folder / "a").write_text("abd")
    verify(folder / "deep", hashes_of(folder / "deep"))


def test_an_output_that_is_being_replaced_is_refused(folder) -> None:
    mark_unfinished(folder)
    for read in (folder, folder / "a", folder.parent):
        assert refused(read) == f"{folder}: the step that writes it was stopped; run that again"


@pytest.mark.parametrize("size", [0, 1, 40, -2])
def test_a_torn_manifest_is_refused(folder, size) -> None:
    manifest = manifest_of(folder)
    manifest.write_bytes(manifest.read_bytes()[:size])
    assert refused(folder).startswith(f"{manifest}: cut short")


def test_a_manifest_of_another_version_is_refused(folder) -> None:
    manifest_of(folder).write_text('{"manifest": 99}')
    assert "version 99, not 1" in refused(folder)


def test_another_programs_manifest_is_no_manifest(folder) -> None:
    manifest_of(folder).write_text('{"name": "a web application"}')
    verify(folder, hashes_of(folder))


def test_names_with_a_dot_and_temporaries_are_no_data(folder) -> None:
    # .gitignore is DVC's, .part files are what a killed step leaves.
    for name in (".gitignore", ".out.x.part", "deep/.hidden"):
        (folder / name).write_text("x")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x").write_text("x")
    verify(folder, hashes_of(folder))


def test_the_digest_of_a_folder_depends_on_names_and_bytes_and_not_on_its_place(tmp_path) -> None:
    def digest(name, files):
        for path, text in files.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(text)
        return digest_of(tmp_path / name, hashes_of(tmp_path / name))

    first = digest("one", {"a": "1", "b": "2"})
    assert digest("two", {"b": "2", "a": "1"}) == first
    assert digest("three", {"a": "2", "b": "1"}) != first
    assert digest("four", {"a": "1", "c": "2"}) != first
    assert digest_of(tmp_path / "one" / "a", hashes_of(tmp_path / "one" / "a"))[:8] == "6b86b273"
