"""Who is at work in this checkout, known by locks that the kernel takes back from the dead.

Snakemake's own lock is a file that stays when Snakemake is killed, and its jobs may go on. So a
Snakemake holds .smk/head, each of its jobs a share of .smk/jobs, as long as they live.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from pathlib import Path

STAMPS = Path(".smk")
SNAKEMAKE = Path(".snakemake")
OWNER = "ARTIFACT_UNITS_OWNER"  # see `python -m steps`
TRIES = 10  # to be the head: `is_at_work` is that for a moment, too


def hold_head() -> bool:
    """Be the one Snakemake of this checkout as long as this process lives, unless another is.

    After one that was killed: wait for the jobs that it left, then forget what it left noted.
    """
    for _ in range(TRIES):
        if _take("head", fcntl.LOCK_EX | fcntl.LOCK_NB) is not None:
            break
        time.sleep(0.1)
    else:
        return False
    jobs = _take("jobs", fcntl.LOCK_EX | fcntl.LOCK_NB)
    if jobs is None:
        print("Waiting for the jobs of a run that was killed …", file=sys.stderr, flush=True)
        jobs = _take("jobs", fcntl.LOCK_EX)
    os.environ[OWNER] = str(os.getpid())  # jobs are forks of one process, which ends with this one
    for note in ("locks", "incomplete"):
        shutil.rmtree(SNAKEMAKE / note, ignore_errors=True)
    if jobs is not None:
        os.close(jobs)
    return True


def hold_job() -> None:
    """Be a job until this process, or what it becomes, ends."""
    handle = _take("jobs", fcntl.LOCK_SH)
    if handle is not None:
        os.set_inheritable(handle, True)


def hold_experiment(name: str) -> int | None:
    """A handle that holds the experiment for who has it; None where another process does."""
    return _take(f"experiment.{name}", fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_at_work() -> bool:
    """Whether a Snakemake or a job of one is alive here."""
    for name in ("head", "jobs"):
        handle = _take(name, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if handle is None:
            return True
        os.close(handle)
    return False


def check_alone() -> None:
    """End where a Snakemake or a job of one is at work in this checkout."""
    if is_at_work():
        sys.exit("Error: a Snakemake is at work here; wait for its end")


def _take(name: str, how: int) -> int | None:
    """A handle that holds the lock; None where another holds it."""
    STAMPS.mkdir(exist_ok=True)
    handle = os.open(STAMPS / name, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, how)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
