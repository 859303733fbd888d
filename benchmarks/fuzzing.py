"""Fuzzed checkpoints through the reader, and what judging a good one costs beside torch.

``python -m benchmarks.fuzzing [COUNT]``: processes that may use 2 GB and 20 s a file read COUNT
files of ``tests/checkpoint_fuzz.py``; then 100 MB of weights by ``read_checkpoint`` and by
torch itself.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median
from time import perf_counter

import torch

from artifact_units.files.checkpoints import read_checkpoint

COUNT, SHARE, ROUNDS = 20_000, 1000, 7
MEMORY = 2_000_000_000  # bytes of data beyond what the interpreter and torch take
CODE = """
import resource, signal, sys
from pathlib import Path
sys.path[:0] = [".", "tests"]
import torch
from checkpoint_fuzz import inputs, outcome
most = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_DATA, (most, most))
for raw in inputs(int(sys.argv[1]), int(sys.argv[2])):
    signal.alarm(20)
    print(outcome(raw, Path(sys.argv[4])), flush=True)
"""


def fuzzed(count: int, place: Path) -> Counter[str]:
    """What became of so many files; a process that a file ended counts by its signal."""
    found: Counter[str] = Counter()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + MEMORY
    for seed in range(count // SHARE):
        words = [sys.executable, "-c", CODE, str(SHARE), str(seed), str(most), str(place)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        found.update(done.stdout.split("\n")[:-1])
        if done.returncode:
            found[f"ended by {done.returncode}"] += 1
    return found


def main(count: int) -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        print(dict(fuzzed(count, Path(folder, "net.pth"))))
        path = Path(folder, "good.pth")
        torch.save({f"layer{n}.weight": torch.randn(512, 512) for n in range(100)}, path)
        read_checkpoint(path)
        times = []
        for _ in range(ROUNDS):
            start = perf_counter()
            torch.load(path, map_location="cpu", weights_only=True)
            between = perf_counter()
            read_checkpoint(path)
            times.append((perf_counter() - between, between - start))
        ours, theirs = (median(column) for column in zip(*times, strict=True))
        size = path.stat().st_size / 1e6
        print(f"{size:.0f} MB: ours {ours:.3f} s, torch.load {theirs:.3f} s: {ours / theirs:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
