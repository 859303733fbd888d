"""What real images may lie in: a folder of files (any depth), a .zip of them, an LSUN LMDB.

Each is a stream of ``(name, reader)`` in the order of the names, whatever the file system's is;
nothing is unpacked onto the disk. Files are images by their suffix; hidden ones are left out,
linked folders are read.
"""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from artifact_units.errors import UserError
from artifact_units.images.lmdb_records import records

SUFFIXES = (
    ".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm",
)  # fmt: skip
OTHERS = (
    ".avif",
    ".heic",
    ".heif",
    ".jp2",
    ".jxl",
    ".svg",
    ".psd",
    ".raw",
    ".dng",
    ".cr2",
    ".nef",
    ".arw",
)
ENCRYPTED = 1  # of an entry's flags
LARGEST = 2**28  # bytes of one file, unpacked
File = tuple[str, Callable[[], bytes]]  # where it lies in the container; reads it


def files_in(path: Path) -> Iterator[File]:
    """Every image file in what ``path`` is, ordered by name; a UserError where there is none."""
    files = _entries(path)
    first = next(files, None)
    if first is None:
        raise UserError(
            f"{path}: holds no image ({' '.join(SUFFIXES)}); name a folder of images (any depth), "
            "a .zip of them, or an unpacked LSUN LMDB"
        )
    yield first
    yield from files


def _entries(path: Path) -> Iterator[File]:
    if (path / "data.mdb").is_file():
        return _in_lmdb(path)
    if path.is_dir():
        return _in_folder(path)
    return _in_zip(path)


def _wanted(name: str) -> bool:
    place = PurePosixPath(name)
    hidden = any(part.startswith(".") for part in place.parts)  # ._x.jpg of macOS is no image
    return place.suffix.lower() in SUFFIXES and not hidden


def _in_folder(path: Path) -> Iterator[File]:
    files = {file.relative_to(path).as_posix(): file for file in _walked(path)}
    for name in sorted(filter(_wanted, files)):
        yield name, partial(_contents, files[name])


def _walked(path: Path) -> Iterator[Path]:
    """The files under a folder, through symbolic links; a link to a folder above itself ends."""
    for place, folders, names in os.walk(path, followlinks=True):
        here = Path(place)
        above = {folder.resolve() for folder in (here, *here.parents)}
        above |= {*here.resolve().parents}
        folders[:] = [name for name in folders if (here / name).resolve() not in above]
        yield from (here / name for name in names if (here / name).is_file())


def left_out(path: Path) -> Counter[str]:
    """How many images of a folder or .zip are of a format that is not read, by suffix."""
    if path.is_dir():
        names = [] if (path / "data.mdb").is_file() else [file.name for file in _walked(path)]
    else:
        names = zipfile.ZipFile(path).namelist() if zipfile.is_zipfile(path) else []
    suffixes = (PurePosixPath(name).suffix.lower() for name in names)
    return Counter(suffix for suffix in suffixes if suffix in OTHERS)


def _contents(file: Path) -> bytes:
    _check(file.stat().st_size)
    return file.read_bytes()


def _in_zip(path: Path) -> Iterator[File]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f"{path}: neither a folder nor a readable .zip ({error})") from None
    with archive:
        inside = sorted(archive.infolist(), key=lambda entry: entry.filename)
        for entry in inside:
            if _wanted(entry.filename) and not entry.is_dir():
                yield entry.filename, partial(_unpacked, archive, entry)


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    _check(entry.file_size)
    if entry.flag_bits & ENCRYPTED:
        raise UserError("locked with a password")
    return archive.read(entry)  # never more than file_size; it checks the CRC


def _check(size: int) -> None:
    if size > LARGEST:
        raise UserError(f"{size} bytes; of one file at most {LARGEST} are read")


def _in_lmdb(path: Path) -> Iterator[File]:
    if find_spec("lmdb") is None:
        raise UserError(
            f"{path}: an LMDB, read by a package that is not there; add the extra lmdb from the "
            "checkout: pip install '.[lmdb]'"
        )
    for key, value in records(path):
        yield key.decode("ascii", "replace"), partial(bytes, value)
