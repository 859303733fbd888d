from __future__ import annotations

import pytest

from artifact_units.storage import sha256_of, whole_file, whole_folder, write_text


def fail_in(block, write) -> None:
    with block as part:
        write(part)
        raise RuntimeError


def test_a_block_that_fails_leaves_the_old_file_and_no_temporary(tmp_path) -> None:
    path = tmp_path / "out"
    write_text(path, "old")
    with pytest.raises(RuntimeError):
        fail_in(whole_file(path), lambda part: part.write_text("half"))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_fails_leaves_the_old_folder_and_no_temporary(tmp_path) -> None:
    path = tmp_path / "out"
    with whole_folder(path) as part:
        (part / "a").write_text("old")
    with pytest.raises(RuntimeError):
        fail_in(whole_folder(path), lambda part: (part / "a").write_text("half"))
    assert (path / "a").read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_whole(tmp_path) -> None:
    for name in ("a", "b"):
        with whole_folder(tmp_path / "out") as part:
            (part / name).write_text(name)
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["b"]
    assert [f.name for f in tmp_path.iterdir()] == ["out"]


def test_the_file_is_not_there_before_the_block_ends(tmp_path) -> None:
    with whole_file(tmp_path / "out") as part:
        part.write_text("x")
        assert not (tmp_path / "out").exists()
        assert part.name.endswith(".part")
    assert (tmp_path / "out").read_text() == "x"


def test_others_may_read_what_was_written(tmp_path) -> None:
    write_text(tmp_path / "out", "x")
    assert (tmp_path / "out").stat().st_mode & 0o044 == 0o044  # mkstemp alone gives 0600


def test_sha256_of_a_known_text(tmp_path) -> None:
    write_text(tmp_path / "abc", "abc")
    assert sha256_of(tmp_path / "abc").startswith("ba7816bf8f01cfea")  # FIPS 180's example
