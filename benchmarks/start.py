"""What starting a step costs: ``--help`` of every one, and what takes longest in the slowest.

``python -m benchmarks.start``. A step imports what is heavy after its values are checked; ``torch``
is then imported once in its process, which does all images of the job.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from statistics import median

import click

from benchmarks.common import start

GOAL = 0.3  # seconds
ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "numpy", "pyarrow", "pandas", "torchvision", "matplotlib", "numba")


def spent(words: list[str]) -> float:
    """CPU seconds of a Python process, start and end included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def imports(step: str) -> list[tuple[int, str]]:
    """Microseconds of its own, and the name, of every module that ``--help`` imports."""
    words = [sys.executable, "-X", "importtime", "-m", f"steps.{step}", "--help"]
    done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    lines = [line.removeprefix("import time:").split("|") for line in done.stderr.splitlines()]
    return sorted(
        ((int(own), name.strip()) for own, _, name in lines if own.strip().isdigit()), reverse=True
    )


@click.command()
@click.option("--rounds", default=3, help="Runs of each step; the median counts.")
def main(rounds: int) -> None:
    """Print what --help of every step costs."""
    start("Start of a step: --help")
    files = sorted((ROOT / "steps").glob("*.py"))
    steps = [
        file.stem
        for file in files
        if 'if __name__ == "__main__"' in file.read_text(encoding="utf-8")
    ]
    times = {
        step: median(spent(["-m", f"steps.{step}", "--help"]) for _ in range(rounds))
        for step in steps
    }
    bare = median(spent(["-c", "pass"]) for _ in range(rounds))
    torch = median(spent(["-c", "import torch"]) for _ in range(rounds))
    click.echo(f"Python alone {bare * 1e3:.0f} cpu ms; with torch {torch * 1e3:.0f}")
    for step, seconds in sorted(times.items(), key=lambda item: -item[1]):
        over = f", more than {GOAL} s" if seconds > GOAL else ""
        click.echo(f"{step:30} {seconds * 1e3:5.0f} cpu ms{over}")
    slowest = max(times, key=lambda step: times[step])
    found = imports(slowest)
    heavy = sorted({name.split(".")[0] for _, name in found} & set(HEAVY))
    if heavy:
        raise click.ClickException(f"{slowest} imports {', '.join(heavy)}")
    click.echo(f"\nimports of {slowest}, ms: ")
    click.echo(", ".join(f"{name} {own / 1e3:.0f}" for own, name in found[:6]))


if __name__ == "__main__":
    main()
