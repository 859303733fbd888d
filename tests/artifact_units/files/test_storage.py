from __future__ import annotations

import errno

import pytest

from artifact_units.errors import UserError
from artifact_units.files.storage import (
    guarded,
    read_text,
    sha256_of,
    whole_file,
    whole_folder,
    write_text,
)


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


def test_a_guard_is_asked_once_of_each_output_before_it_appears(tmp_path) -> None:
    asked = []
    with guarded(lambda path: asked.append((path.name, path.exists()))):
        write_text(tmp_path / "a", "x")
        with whole_folder(tmp_path / "b") as part:
            write_text(part / "within", "x")
    write_text(tmp_path / "c", "x")
    assert asked == [("a", False), ("b", False)]


def test_what_a_guard_refuses_does_not_appear(tmp_path) -> None:
    def refuse(path) -> None:
        raise UserError("no")

    write_text(tmp_path / "a", "old")
    with guarded(refuse):
        for write in (lambda: write_text(tmp_path / "a", "new"), lambda: folder(tmp_path / "b")):
            with pytest.raises(UserError):
                write()
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def folder(path) -> None:
    with whole_folder(path) as part:
        (part / "x").touch()


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "x"), OSError(errno.EDQUOT, "x"), Exception("No space left on device")],
)
def test_want_of_space_names_the_output_whichever_library_met_it(tmp_path, error) -> None:
    with pytest.raises(OSError, match="no space left: it needs more than the") as caught:
        raise_in(whole_folder(tmp_path / "out"), error)
    assert caught.value.filename == str(tmp_path / "out")


def test_another_error_stays_what_it_was(tmp_path) -> None:
    with pytest.raises(RuntimeError, match="ours"):
        raise_in(whole_file(tmp_path / "out"), RuntimeError("ours"))


def raise_in(block, error) -> None:
    with block:
        raise error


def test_a_text_that_is_none_is_one_line(tmp_path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="a: not UTF-8 text"):
        read_text(tmp_path / "a")


@pytest.mark.parametrize(
    ("whole", "name", "said"),
    [
        (whole_file, "folder", "folder: a folder; name a file to write"),
        (whole_folder, "file", "file: a file; name a folder to write"),
    ],
)
def test_a_file_is_not_written_over_a_folder_nor_a_folder_over_a_file(tmp_path, whole, name, said):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match=said), whole(tmp_path / name):
        raise AssertionError("it began to write")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
