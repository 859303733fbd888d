"""What `make run` does: everything that is stale, on all cores, with a line a stage.

What the engines and the stages say in full is in logs/.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from workflow.graph import GraphError, read_graph
from workflow.mend import mend

LOG = Path("logs/run.log")
BEGUN = re.compile(r"Running stage '(?:.*:)?(.*)'")
KEPT = 0.9  # of the memory that is free


def main() -> None:
    """Run what is stale; end as Snakemake ends."""
    mend()
    try:
        graph = read_graph()
        stages = {job.name.partition("__")[0] for job in graph}
        if not graph.stale():
            print("Nothing to do.")
            return
    except GraphError as error:
        sys.exit(f"Error: {error}")
    LOG.parent.mkdir(exist_ok=True)
    words = ["snakemake", "--cores", "all", "--quiet", "--resources", f"mem_mb={free_memory()}"]
    with LOG.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Snakemake hears it, too, and ends its jobs
        for line in _lines(process):
            log.write(line)
            if said := _shown(line, stages):
                print(said, flush=True)
    if status := process.wait():
        sys.exit(status if status > 0 else 128 - status)


def free_memory() -> int:
    """What jobs may take together, in MB."""
    return int(KEPT * os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6)


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line.decode(errors="replace")


def _shown(line: str, stages: set[str]) -> str | None:
    """What of a line is for the person who waits: a stage begins, what it did, what is wrong."""
    if begun := BEGUN.match(line):
        return f"{begun[1]} …"
    name = line.partition(": ")[0]
    return line.rstrip() if name in stages or name in ("Error", "ERROR") else None


if __name__ == "__main__":
    main()
