"""Stands in for a step: writes every output it is told to, a digest of all that it was given.

So the two engines can be compared on the whole graph in seconds: the commands, dependencies,
parameters and outputs are dvc.yaml's own, only the work inside a stage is not.
"""

import hashlib
import json
import sys
from pathlib import Path

STAGE = Path(sys.argv[0]).stem


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


known = hashlib.sha256(STAGE.encode())
for word in sys.argv[1:]:
    known.update(word.encode())
    if word and not is_output(word) and Path(word).exists():
        known.update(digest_of(Path(word)))
for output in map(Path, filter(is_output, sys.argv[1:])):
    target = output if output.suffix else output / "digest.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"digest": known.hexdigest()}))
