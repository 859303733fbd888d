"""A stage's work in parts: files that are computed one by one, from the stage's inputs alone.

Shards of a stage are jobs that compute its parts, each its share, into one folder; the stage then
gathers them and computes what is missing. Who computed a part changes no byte of it. Beside a
finished part stands its sha256, written last: what has none, or another one, is computed again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact_units.files.storage import TEMPORARY, sha256_of, write_text


@dataclass(frozen=True)
class Part:
    """One file of a stage's work; ``write(path)`` makes it whole (``storage``), from nothing."""

    name: str  # its path within a folder of parts; no other part of the stage has it
    write: Callable[[Path], None]


@dataclass(frozen=True)
class Shards:
    """Where the parts that shards made lie, if any did; in the job of a shard: which it is.

    ``share`` is (i, n): every n-th part from the i-th on.
    """

    folder: Path | None = None
    share: tuple[int, int] | None = None

    def compute(self, parts: Sequence[Part]) -> int:
        """Compute into the folder those of the share that are not there yet; how many."""
        if self.folder is None or self.share is None:
            raise ValueError("a share of the parts, and a folder to put it in")
        number, count = self.share
        missing = [p for p in parts[number::count] if not _is_whole(self.folder / p.name)]
        for part in missing:
            path = self.folder / part.name
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write(path)
            write_text(_sum_of(path), sha256_of(path) + "\n")
        return len(missing)


def gather(parts: Sequence[Part], folder: Path, done: Path | None) -> int:
    """Put all parts into ``folder``, those that are finished in ``done`` as links.

    Returns how many had to be computed.
    """
    computed = 0
    for part in parts:
        target = folder / part.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if done is not None and _is_whole(done / part.name):
            _link(done / part.name, target)
        else:
            part.write(target)
            computed += 1
    return computed


def each(parts: Sequence[Part], near: Path, done: Path | None) -> Iterator[Path]:
    """Every part in order, as a file to be read before the next one is asked for.

    What is not finished in ``done`` is computed into a temporary folder beside ``near``, one part
    on the disk at a time.
    """
    near.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(TEMPORARY, ".", near.parent) as scratch:
        for part in parts:
            if done is not None and _is_whole(done / part.name):
                yield done / part.name
                continue
            gather([part], Path(scratch), None)
            yield Path(scratch, part.name)
            Path(scratch, part.name).unlink()


def _is_whole(path: Path) -> bool:
    noted = _sum_of(path)
    return path.is_file() and noted.is_file() and noted.read_text().strip() == sha256_of(path)


def _sum_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, target)
