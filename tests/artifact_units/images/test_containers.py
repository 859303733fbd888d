from __future__ import annotations

import sys
import zipfile

import lmdb
import pytest

from artifact_units.errors import UserError
from artifact_units.images import containers
from artifact_units.images.containers import files_in


def read(path):
    return [(name, contents()) for name, contents in files_in(path)]


def test_a_folder_is_read_at_any_depth_in_the_order_of_the_paths(tmp_path):
    for name in ("b.png", "a/z.JPG", "a/b/c.webp", "notes.txt", ".hidden.png", "a/._z.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    wanted = [(name, name.encode()) for name in ("a/b/c.webp", "a/z.JPG", "b.png")]
    assert read(tmp_path) == wanted


def test_a_zip_with_a_password_is_told_so(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.png", b"a")
    data = bytearray((tmp_path / "x.zip").read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1  # the flag of an encrypted entry, in the directory
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(UserError, match="locked with a password"):
        read(tmp_path / "x.zip")


def test_a_zip_is_read_in_the_order_of_its_names_and_leaves_nothing_on_the_disk(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("b.png", "../../out.png", "a/c.jpg", "__MACOSX/._b.png", "read.me", "d.png/"):
            archive.writestr(name, name.encode())
    names = [name for name, _ in read(tmp_path / "x.zip")]
    assert names == ["a/c.jpg", "b.png"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_an_lmdb_is_read_in_the_order_of_its_keys(tmp_path):
    with lmdb.open(str(tmp_path / "db")) as environment, environment.begin(write=True) as writing:
        writing.put(b"0b", b"second")
        writing.put(b"0a", b"first")
    assert read(tmp_path / "db") == [("0a", b"first"), ("0b", b"second")]


def test_an_lmdb_that_is_cut_short_is_refused_before_it_is_read(tmp_path):
    with lmdb.open(str(tmp_path / "db")) as environment, environment.begin(write=True) as writing:
        for n in range(50):
            writing.put(b"%04d" % n, bytes(2000))
    data = tmp_path / "db" / "data.mdb"
    data.write_bytes(data.read_bytes()[: 3 * 4096])
    with pytest.raises(UserError, match=r"db: data\.mdb is cut short; fetch it again"):
        read(tmp_path / "db")
    data.write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match="db: not a readable LMDB"):
        read(tmp_path / "db")


def test_an_lmdb_without_its_package_says_which_extra_to_add(tmp_path, monkeypatch):
    (tmp_path / "data.mdb").touch()
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(
        UserError, match=r"add the extra lmdb from the checkout: pip install '\.\[lmdb\]'"
    ):
        read(tmp_path)


def test_what_holds_no_image_says_what_may_be_named(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match=r"holds no image .* a \.zip of them, or an unpacked LSUN"):
        read(tmp_path)
    with pytest.raises(UserError, match=r"notes\.txt: neither a folder nor a readable \.zip"):
        read(tmp_path / "notes.txt")


def test_a_file_that_is_or_unpacks_to_too_much_is_not_read(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(1000))
    monkeypatch.setattr(containers, "LARGEST", 999)
    (tmp_path / "a.png").write_bytes(bytes(1000))
    for path in (tmp_path / "x.zip", tmp_path):
        with pytest.raises(UserError, match="1000 bytes; of one file at most 999 are read"):
            read(path)


def test_linked_folders_are_read_and_a_loop_of_links_ends(tmp_path):
    for name in ("elsewhere/a.png", "elsewhere/b.jfif", "reals/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "reals" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "reals" / "again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "reals")
    (tmp_path / "elsewhere" / "self").symlink_to(tmp_path / "elsewhere")
    names = [name for name, _ in read(tmp_path / "reals")]
    assert names == ["again/a.png", "again/b.jfif", "c.png", "linked/a.png", "linked/b.jfif"]


def test_images_of_formats_that_are_not_read_are_counted(tmp_path):
    for name in ("a.png", "b.avif", "c.AVIF", "d.heic", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    assert containers.left_out(tmp_path) == {".avif": 2, ".heic": 1}


def test_an_lmdb_with_a_damaged_page_is_one_line(tmp_path):
    with lmdb.open(str(tmp_path / "db")) as environment, environment.begin(write=True) as writing:
        for n in range(50):
            writing.put(b"%04d" % n, bytes(9000))
    data = bytearray((tmp_path / "db" / "data.mdb").read_bytes())
    place = data.index(b"0007") - 8  # a node's size, offset and key
    data[place : place + 4] = b"\xff\xff\xff\x7f"  # as long as no file of this size
    (tmp_path / "db" / "data.mdb").write_bytes(data)
    with pytest.raises(UserError, match=r"db: not a readable LMDB"):
        read(tmp_path / "db")
