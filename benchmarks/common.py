"""What every benchmark does: name the machine, check equality, then time ways of one computation.

Time is CPU time of this process, median of several runs, since machines are shared. Memory is how
far a run's peak lies above what the process held before it (Linux; else a dash).
"""

from __future__ import annotations

import ctypes
import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click
import torch

from artifact_units.computing.devices import prepare

PROC = Path("/proc/self")


@dataclass(frozen=True)
class Row:
    """One way, measured."""

    seconds: float  # of CPU, median
    peak: float | None  # bytes
    equal: str  # how its result relates to that of the first way


def start(title: str) -> None:
    """One thread, and a line that says what is measured on what."""
    prepare("cpu", 1)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    click.echo(
        f"{title}\n{processor()}, {os.cpu_count()} cores, 1 used; load {load:.1f}; "
        f"Python {platform.python_version()}, torch {torch.__version__}\n"
    )


def compare(
    ways: Mapping[str, Callable[[], Any]],
    equal: Callable[[Any, Any], str],
    *,
    rounds: int,
    per: int = 1,
) -> None:
    """Print a table of the ways: ``equal(first, other)`` raises where a result is wrong.

    Every way runs once to be checked and ``rounds`` times to be timed; ``per`` is what a run is
    divided by (images, say). The ratio is to the first way, which is ours.
    """
    expected: Any = None
    rows: dict[str, Row] = {}
    for number, (name, way) in enumerate(ways.items()):
        found, peak = with_peak(way)
        expected = found if number == 0 else expected
        said = "" if number == 0 else equal(expected, found)
        rows[name] = Row(median(cpu_seconds(way) for _ in range(rounds)) / per, peak, said)
    ours = next(iter(rows.values())).seconds
    width = max(map(len, rows))
    click.echo(f"{'':{width}} {'cpu ms':>10} {'ratio':>7} {'peak MB':>8}  result")
    for name, row in rows.items():
        peak = "-" if row.peak is None else f"{row.peak / 1e6:.0f}"
        click.echo(
            f"{name:{width}} {row.seconds * 1e3:10.1f} {row.seconds / ours:7.1f} {peak:>8}  "
            f"{row.equal}"
        )


def cpu_seconds(way: Callable[[], Any]) -> float:
    """CPU seconds of this process that one run takes."""
    begun = time.process_time()
    way()
    return time.process_time() - begun


def with_peak(way: Callable[[], Any]) -> tuple[Any, float | None]:
    """The result of a run, and how many bytes its peak lay above what was held before."""
    if not (PROC / "clear_refs").exists():
        return way(), None
    ctypes.CDLL(None).malloc_trim(0)  # what was freed is given back, so that it does not hide
    (PROC / "clear_refs").write_text("5")  # the peak is counted anew
    before = _status("VmRSS")
    found = way()
    return found, max(0.0, _status("VmHWM") - before)


def _status(key: str) -> float:
    lines = (PROC / "status").read_text().splitlines()
    return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith(key))


def cpuinfo() -> list[str]:
    """What Linux says of the processor; nothing elsewhere."""
    about = Path("/proc/cpuinfo")
    return about.read_text(encoding="utf-8").splitlines() if about.exists() else []


def processor() -> str:
    """The processor's name."""
    names = [line.split(":")[1].strip() for line in cpuinfo() if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
