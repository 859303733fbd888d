"""An LMDB's records on stdout: ``python -m artifact_units.images.lmdb_records FOLDER``.

LMDB maps its file and trusts its pages, so that a damaged one ends the process that reads it by a
signal. It is therefore read in a process of its own, whose end is the reader's one line.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from artifact_units.errors import UserError

HEAD = struct.Struct("<QQ")  # bytes of the key, bytes of the value


def records(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) in the order of the keys; a UserError where the file is damaged."""
    words = [sys.executable, "-m", "artifact_units.images.lmdb_records", str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        try:
            while len(head := child.stdout.read(HEAD.size)) == HEAD.size:
                key, value = (child.stdout.read(size) for size in HEAD.unpack(head))
                yield key, value
            said = child.stderr.read().decode(errors="replace").strip()
            child.wait()
        finally:
            child.kill()  # nothing where it has ended
    if child.returncode > 0 and said:
        raise UserError(f"{path}: {said.splitlines()[-1]}")
    if child.returncode:
        raise UserError(f"{path}: not a readable LMDB (damaged); fetch it again")


def _write(path: Path) -> None:
    import lmdb

    try:
        with lmdb.open(str(path), readonly=True, lock=False, readahead=False) as environment:
            pages = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
            if (path / "data.mdb").stat().st_size < pages:
                sys.exit("data.mdb is cut short; fetch it again")
            with environment.begin() as transaction:
                for key, value in transaction.cursor():
                    sys.stdout.buffer.write(HEAD.pack(len(key), len(value)) + key + value)
    except lmdb.Error as error:
        sys.exit(f"not a readable LMDB ({error})")


if __name__ == "__main__":
    _write(Path(sys.argv[1]))
