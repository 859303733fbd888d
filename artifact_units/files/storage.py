"""Files that appear whole or not at all: a unique temporary sibling, sync, rename, sync."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from artifact_units.errors import UserError

TEMPORARY = ".part"  # suffix of what is not yet an output; .dvcignore and .gitignore name it
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LEAST = 2**16  # bytes free; below it a write that failed failed for want of space

_guards: list[Callable[[Path], None]] = []


@contextmanager
def guarded(guard: Callable[[Path], None]) -> Iterator[None]:
    """Within the block, ``guard(path)`` is called before anything appears at ``path``.

    Where it raises, nothing appears.
    """
    _guards.append(guard)
    try:
        yield
    finally:
        _guards.remove(guard)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path to write to; it becomes ``path`` if the block ends well, else nothing."""
    if path.is_dir():
        raise UserError(f"{path}: a folder; name a file to write")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=TEMPORARY, dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        with _full_disk_named(path, part):
            yield part
            sync(part)
        os.chmod(part, 0o666 & ~_umask())
        _ask_guards(path)
        os.replace(part, path)
        sync(path.parent)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder to fill; it becomes ``path`` if the block ends well, else nothing."""
    if path.is_file():
        raise UserError(f"{path}: a file; name a folder to write")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=TEMPORARY, dir=path.parent))
    try:
        with _full_disk_named(path, part):
            yield part
            for file in sorted(part.rglob("*")):
                sync(file)
            sync(part)
        os.chmod(part, 0o777 & ~_umask())
        _ask_guards(path)
        _replace_folder(part, path)
        sync(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a small text output whole."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def read_text(path: Path) -> str:
    """The text of a file, or a UserError if it is none."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text; make it anew or fetch it again") from None


def sync(path: Path) -> None:
    """Return when a file's bytes, or a folder's names, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ask_guards(path: Path) -> None:
    if not any(parent.suffix == TEMPORARY for parent in path.parents):  # else it appears later
        for guard in _guards:
            guard(path)


@contextmanager
def _full_disk_named(path: Path, part: Path) -> Iterator[None]:
    """Where there is no space left, whichever library met it: an OSError that names ``path``."""
    try:
        yield
    except Exception as error:
        free = shutil.disk_usage(part.parent).free
        if isinstance(error, _FullDisk):  # of a file within this folder
            raise _FullDisk(error.errno, error.strerror, str(path)) from error
        if not _means_full(error, free):
            raise
        files = [file for file in (part, *part.rglob("*")) if file.is_file()]
        size = sum(file.stat().st_size for file in files) + free
        said = f"no space left: it needs more than the {size:,} bytes that there are"
        raise _FullDisk(errno.ENOSPC, said, str(path)) from error


class _FullDisk(OSError):
    """No space left for an output; ``filename`` is the output's."""


def _means_full(error: Exception, free: int) -> bool:
    """torch.save and numpy say only that they wrote too little: then the disk tells."""
    said = os.strerror(errno.ENOSPC) in str(error)  # safetensors raises an error of its own
    short = isinstance(error, (OSError, RuntimeError)) and free < LEAST
    return said or short or getattr(error, "errno", None) in FULL


def _replace_folder(part: Path, path: Path) -> None:
    # A folder cannot be renamed over a full one: the old one steps aside first.
    if path.exists():
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=TEMPORARY, dir=path.parent))
        os.replace(path, aside / "old")
        os.replace(part, path)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        os.replace(part, path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
