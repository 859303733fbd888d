"""What every step keeps to, in this order; no step has a line of it.

One process an output (lock), inputs that are what their manifests say, outputs whole or not at all
(``storage``), none where an input, the code or a parameter changed meanwhile, manifests last.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifact_units.errors import UserError
from artifact_units.files import manifests
from artifact_units.files.storage import TEMPORARY, guarded
from steps.making import engine

STOPPED = 128 + signal.SIGTERM  # exit status, as a shell has it


@dataclass(frozen=True)
class Task:
    """One run of a step: its name, the paths it reads and writes, the values it was given."""

    step: str
    inputs: Mapping[str, Path]  # by option
    outputs: Sequence[Path]
    values: Mapping[str, Any]  # plain ones, by option


@contextmanager
def kept(task: Task) -> Iterator[None]:
    """Run a step's body within the contract; its outputs are locked already (``locked``)."""
    read = {name: _Input(path) for name, path in task.inputs.items()}
    _check_outputs(task)
    started = engine.started_by()

    def check() -> None:
        for found in read.values():
            found.check()
        if started is not None:
            started.check()

    def before(path: Path) -> None:
        if path in task.outputs:
            check()
            manifests.mark_unfinished(path)

    with manifests.noting() as notes, guarded(before):
        yield
    check()
    for line in notes:
        print(line, file=sys.stderr)
    digests = {name: manifests.digest_of(found.path, found.hashes) for name, found in read.items()}
    for output in task.outputs:
        if written := _written(output):
            manifests.write_manifest(written, task.step, digests, task.values, notes)
        if written != output:
            manifests.manifest_of(output).unlink(missing_ok=True)


@contextmanager
def locked(outputs: Sequence[Path]) -> Iterator[None]:
    """Hold every output for this process alone, or a UserError that names the one that has it.

    The lock is the kernel's: it ends with the process, however that ends.
    """
    with ExitStack() as held:
        for output in sorted(outputs):
            held.enter_context(_lock(output))
        yield


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM ends the block as an error does: temporary files go, then the process."""

    def stop(*_: Any) -> None:
        print("Error: stopped by SIGTERM; run it again", file=sys.stderr)
        raise SystemExit(STOPPED)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Input:
    """What was read at a path, and a look whether it still is that."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen = {file: _look(file) for file in manifests.files_of(path)}
        self.hashes = manifests.hashes_of(path)
        manifests.verify(path, self.hashes)

    def check(self) -> None:
        seen = {file: _look(file) for file in manifests.files_of(self.path)}
        if seen != self.seen and manifests.hashes_of(self.path) != self.hashes:
            raise UserError(f"{self.path} {engine.CHANGED}")


def _check_outputs(task: Task) -> None:
    """A UserError where an output would take the place of what is read, or of somebody's folder."""
    for output in task.outputs:
        for path in task.inputs.values():
            whole = path.resolve()
            if output.resolve() in (whole, *whole.parents):
                raise UserError(f"{output}: would replace {path}, which is read; name another")
        own = manifests.manifest_of(output).exists()  # unfinished or not: a step made the folder
        if output.is_dir() and any(output.iterdir()) and not own:
            raise UserError(f"{output}: a folder that no step wrote; name another, or take it away")


def _look(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _written(output: Path) -> Path | None:
    """Where a step wrote an output: the path it was given, or that with a suffix of its choice."""
    if output.exists():
        return output
    files = output.parent.glob(f"{output.name}.*")
    found = [file for file in files if not file.name.endswith(manifests.SUFFIX)]
    return max(found, key=lambda file: file.stat().st_mtime_ns, default=None)


@contextmanager
def _lock(output: Path) -> Iterator[None]:
    if not output.name:
        raise UserError(f"{str(output)!r} is no name of an output; name a file or folder to write")
    path = output.with_name(f".{output.name}.lock{TEMPORARY}")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        handle = _only_holder(path, output)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(output)) from None
    try:
        os.pwrite(handle, f"process {os.getpid()} on {os.uname().nodename}".encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: who waits for it opens another
        os.close(handle)


def _only_holder(path: Path, output: Path) -> int:
    """A handle that holds the lock file ``path``, which still is the file of that name."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode(errors="replace") or "another process"
            os.close(handle)
            raise UserError(f"{output}: locked by {holder}, which is writing it") from None
        with suppress(FileNotFoundError):  # its holder took it away, meanwhile or before
            if os.path.samestat(os.fstat(handle), path.stat()):
                os.ftruncate(handle, 0)
                return handle
        os.close(handle)
