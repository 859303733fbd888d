"""A small piece of everything that computes, in this one process: ``python pieces.py FOLDER``.

FOLDER holds a small checkout and ``commands.json``, the commands of its stages, which are run in
their order; then what no stage of it came by. Prints a JSON object: ``hashes``, the sha256 of every
output by its name, and ``functions``, those of MKL's vector library that were called, by stage.
``--own`` leaves the libraries untold, in the steps too.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "portable")]

from artifact_units.computing import portable  # noqa: E402

OWN = "--own" in sys.argv
if not OWN:
    portable.settle()

import torch  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

# What torch hands to MKL's vector library, which no emulation here shows on AVX-512 of Intel.
NAMES = "acos asin atan cos erf erfc erfinv exp log log10 log2 logsumexp sin sqrt tan tanh"
FUNCTIONS = {*NAMES.split(), "_cdist_forward"}


class Watching(TorchDispatchMode):
    """Notes which of these functions are called of floating tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.called: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.name().partition("::")[2].partition(".")[0]
        if name == "pow" and args[1:] == (0.5,):
            name = "sqrt"
        if name.rstrip("_").removeprefix("_foreach_") in FUNCTIONS or name in FUNCTIONS:
            self.called.add(name)
        return func(*args, **(kwargs or {}))


def main(folder: Path) -> None:
    """Run the commands and the pieces, and say what they gave."""
    torch.set_num_threads(1)
    hashes: dict[str, str] = {}
    functions: dict[str, list[str]] = {}
    os.chdir(folder)
    for command in json.loads(Path("commands.json").read_text()):
        words = ["--no-portable" if OWN and w == "--portable" else w for w in shlex.split(command)]
        with watched(functions, words[2]):
            run(words)
    for file in sorted(path for path in Path("results").rglob("*") if path.is_file()):
        hashes[str(file)] = hashlib.sha256(file.read_bytes()).hexdigest()
    import shelves

    for name, piece in shelves.PIECES.items():
        with watched(functions, name):
            hashes |= dict(hashed(name, piece))
    print(json.dumps({"hashes": hashes, "functions": functions}))


def run(words: list[str]) -> None:
    """One step in this process."""
    import importlib

    step = importlib.import_module(words[2]).main
    step.main(args=words[3:], standalone_mode=False)


@contextmanager
def watched(functions: dict[str, list[str]], name: str) -> Iterator[None]:
    with Watching() as watching:
        yield
    if watching.called:
        functions[name] = sorted(watching.called)


def hashed(name: str, piece: Callable[[], Iterator[tuple[str, Any]]]) -> Iterator[tuple[str, str]]:
    """The sha256 of each of a piece's arrays or texts."""
    import numpy as np

    for part, found in piece():
        values = found.detach().numpy() if isinstance(found, torch.Tensor) else found
        content = repr(values) if isinstance(values, str | dict | tuple) else values
        raw = content.encode() if isinstance(content, str) else np.asarray(content).tobytes()
        yield f"{name}/{part}", hashlib.sha256(raw).hexdigest()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
