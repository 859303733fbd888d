"""Stands in for a step: writes every output it is told to, a digest of all that it was given.

So the two engines can be compared on the whole graph in seconds: the commands, dependencies,
parameters and outputs are dvc.yaml's own, only the work inside a stage is not. It is done in four
parts, by shards or not; parts.log says which were computed. Where kill_at names the part that is
to be computed next, the process is killed there; where hold_at does, it waits till that is gone.
"""

import hashlib
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from artifact_units.files.parts import Part, Shards, gather
from artifact_units.files.storage import write_text

STAGE = Path(sys.argv[0]).stem
LOG, KILL_AT, HOLD_AT = Path("parts.log"), Path("kill_at"), Path("hold_at")


def is_output(word: str) -> bool:
    """A stage writes under its own folder of results and nowhere else."""
    return word.startswith(f"results/{STAGE}")


def digest_of(path: Path) -> bytes:
    """Of a file's bytes, or of all files of a folder.

    Of `results` as a whole nothing: stages that this one does not rest on may be done or not.
    """
    if path == Path("results"):
        return b""
    files = [path] if path.is_file() else sorted(f for f in path.rglob("*") if f.name[0] != ".")
    return b"".join(hashlib.sha256(f.read_bytes()).digest() for f in files if f.is_file())


def digest_of_all(words: list[str]) -> str:
    """Of the words of a command and of the files that they name."""
    known = hashlib.sha256(STAGE.encode())
    for word in words:
        known.update(word.encode())
        if word and not is_output(word) and Path(word).exists():
            known.update(digest_of(Path(word)))
    return known.hexdigest()


def said(file: Path) -> str:
    """What a file says, if it is there; a test may take it away at any time."""
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""


def part(name: str, digest: str) -> Part:
    """A file of the work."""

    def write(path: Path) -> None:
        job = f"{STAGE} {name}"
        if said(KILL_AT) == job:
            KILL_AT.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        with LOG.open("a") as log:
            log.write(f"{job}\n")
        while said(HOLD_AT) == job:
            time.sleep(0.02)
        write_text(path, f"{name} of {digest}")

    return Part(name, write)


def write_outputs(words: list[str], texts: list[str]) -> None:
    """Every output, with its manifest."""
    for output in map(Path, filter(is_output, words)):
        target = output if output.suffix else output / "edits.json"  # which the export asks for
        write_text(target, json.dumps(texts))
        write_text(output.with_name(f"{output.name}.manifest.json"), "{}")


def main(words: list[str]) -> None:
    """Compute the share that the words end with, or all that is not in the folder of shards."""
    share = words[-4:] if "--shard" in words else []
    words = words[:-4] if share else words
    parts = [part(name, digest_of_all(words)) for name in "abcd"]
    if share:
        number, count = map(int, share[1].split("/"))
        Shards(Path(share[3]), (number, count)).compute(parts)
        return
    done = os.environ.get("STEP_SHARDS")
    with tempfile.TemporaryDirectory() as folder:
        gather(parts, Path(folder), Path(done) if done else None)
        texts = [Path(folder, name).read_text() for name in "abcd"]
    write_outputs(words, texts)


main(sys.argv[1:])
