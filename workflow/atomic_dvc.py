"""DVC as a job runs it: it writes its record and its lock table whole.

By itself it empties dvc.lock and .dvc/tmp/rwlock and then fills them. A scheduler that ends a job
ends the step and then DVC, which writes as soon as its step is gone: so it is often killed in just
that moment, and every job after it would meet a file that nobody can read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


def run_dvc(*words: str) -> int:
    """Run a DVC command in this process, once; its exit status."""
    from dvc.cli import main
    from dvc_objects.fs.local import LocalFileSystem

    files: Any = LocalFileSystem  # the class, for DVC makes its own instances
    plain = files.open

    def open_(self: Any, path: Any, mode: str = "r", **options: Any) -> Any:
        if mode in ("w", "w+"):
            return _opened(path, mode, **options)
        return plain(self, path, mode, **options)

    files.open = open_
    return main(list(words))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path to write to, that becomes ``path`` if the block ends well.

    One at a time: whoever writes holds a lock.
    """
    part = path.with_name(f".{path.name}.part")
    yield part
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


@contextmanager
def _opened(path: str | os.PathLike[str], mode: str, **options: Any) -> Iterator[IO[Any]]:
    with replacing(Path(path)) as part, part.open(mode, **options) as file:
        yield file
