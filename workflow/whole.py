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


def dvc(*words: str) -> int:
    """Run a DVC command in this process, once; its exit status."""
    from dvc.cli import main
    from dvc_objects.fs.local import LocalFileSystem

    files: Any = LocalFileSystem  # the class, for DVC makes its own instances
    plain = files.open

    def open_(self: Any, path: Any, mode: str = "r", **options: Any) -> Any:
        if mode in ("w", "w+"):
            return _whole(path, mode, **options)
        return plain(self, path, mode, **options)

    files.open = open_
    return main(list(words))


@contextmanager
def _whole(path: str | os.PathLike[str], mode: str, **options: Any) -> Iterator[IO[Any]]:
    """A file to write; it takes the place of what is at ``path`` if the block ends well."""
    target = Path(path)
    part = target.with_name(f".{target.name}.part")  # DVC holds a lock: nobody else writes it
    with part.open(mode, **options) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, target)
