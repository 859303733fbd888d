"""An append-only file of JSON lines: what was acknowledged is on the disk, come what may."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifact_units.errors import UserError
from artifact_units.files.storage import sync

SHOWN = 60  # bytes of a torn line in the notice


class Journal:
    """The file, held open and locked until ``close``, or until the process ends.

    ``notice`` says which unfinished last line was dropped, if one was: the trace of a machine that
    stopped in the middle of a write, which nobody was told had been saved.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            why = "another server or import has it open; stop that one, or name another file"
            if not isinstance(error, BlockingIOError):
                why = f"cannot be locked on this file system ({error.strerror}); put it elsewhere"
            raise UserError(f"{path}: {why}") from None
        self._size, self.notice = self._mend()
        if new:
            sync(path.parent)

    def append(self, *records: Mapping[str, Any]) -> None:
        """Write a line each; all are on the disk when this returns.

        A UserError where the file is no longer what it was, an OSError where it cannot be written;
        then it is as it was before.
        """
        self._check_alone()
        lines = "".join(json.dumps(r, sort_keys=True, allow_nan=False) + "\n" for r in records)
        data = lines.encode()
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
            os.fsync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise OSError(error.errno, error.strerror, str(self.path)) from None
        self._size += len(data)

    def close(self) -> None:
        """Let another have the file."""
        os.close(self._file)

    def _mend(self) -> tuple[int, str | None]:
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole == len(data):
            return whole, None
        os.ftruncate(self._file, whole)
        os.fsync(self._file)
        torn = data[whole:][:SHOWN]
        return whole, f"{self.path}: its last line was not finished and is dropped: {torn!r}"

    def _check_alone(self) -> None:
        # A lock does not keep out an editor, nor a `git checkout` that puts another file there.
        mine = os.fstat(self._file)
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            there = None
        same = there is not None and (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)
        if not same or mine.st_size != self._size:
            raise UserError(f"{self.path}: changed by another program; start the server anew")
