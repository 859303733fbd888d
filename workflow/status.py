"""One screen on this checkout: what would run and why, what runs now, what lies on the disk.

There is one answer for both engines: what is stale is DVC's, and Snakemake is handed it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workflow.experiment import FOLDER
from workflow.graph import SHARDS, Graph, GraphError, read_graph
from workflow.locks import is_at_work

COMMAND = "changed command"  # of a stage, as DVC says it


def main() -> None:
    """Print the screen."""
    try:
        graph = read_graph()
        reasons = dict(why(graph))
    except GraphError as error:
        sys.exit(f"Error: {error}")
    print(f"{len(reasons)} of {len(graph.jobs)} stages would run, under DVC and Snakemake alike.")
    width = max(map(len, reasons), default=0)
    for name, reason in reasons.items():
        print(f"  {name:{width}}  {reason}")
    if is_at_work():
        print("A Snakemake is at work here, or jobs that it left.")
    places = {"results": Path("results"), "DVC's cache": Path(graph.repo.cache.local.path)}
    places |= {"shards": SHARDS, "experiments under way": FOLDER}
    print("On the disk: " + ", ".join(f"{name} {size_of(p)}" for name, p in places.items()) + ".")


def why(graph: Graph) -> Iterator[tuple[str, str]]:
    """Every stale stage, in the order of the graph, with what makes it so."""
    from dvc.repo import lock_repo

    stale = graph.stale()
    names = {job.name: stage.name for job, stage in zip(graph.jobs, graph.stages, strict=True)}
    with lock_repo(graph.repo):
        for job, stage in zip(graph.jobs, graph.stages, strict=True):
            if job.name in stale:
                upstream = ", ".join(names[n] for n in sorted(stale.intersection(job.needs)))
                yield stage.name, "; ".join(_changes(stage)) or f"rests on {upstream}"


def size_of(place: Path) -> str:
    """What a folder takes; a file of several names counts once."""
    seen = {}
    for folder, _, files in os.walk(place):
        for file in files:
            found = os.lstat(os.path.join(folder, file))
            seen[found.st_dev, found.st_ino] = found.st_size
    return in_units(sum(seen.values()))


def in_units(size: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def _changes(stage: Any) -> Iterator[str]:
    """A stage's own changes in words: `params.yaml: report.units modified`."""
    for found in stage.status().get(stage.addressing, []):
        if found == COMMAND:
            yield from _values(stage)
            continue
        for entries in found.values():
            for path, change in entries.items():
                yield _in_words(path, change)


def _values(stage: Any) -> Iterator[str]:
    """What a stage's command says otherwise than the recorded one: `--units 8 was 3`."""
    recorded = stage.dvcfile.lockfile_contents.get("stages", {}).get(stage.name, {}).get("cmd", "")
    now, before = _options(stage.cmd), _options(recorded)
    changed = [name for name in {**now, **before} if now.get(name) != before.get(name)]
    for name in changed if recorded else ():
        yield f"{name} {now.get(name, 'is gone')}, was {before.get(name, 'not there')}"
    if not recorded:
        yield "never run"


def _options(command: str) -> dict[str, str]:
    """The options of a command and the words after each."""
    first, *others = f" {command} ".split(" --")
    found = {"": first.strip()}
    for option in others:
        name, _, value = option.strip().partition(" ")
        found[f"--{name}"] = f"{found.get(f'--{name}', '')} {value}".strip()
    return found


def _in_words(path: str, change: Any) -> str:
    if isinstance(change, dict):
        return f"{path}: " + ", ".join(f"{key} {what}" for key, what in change.items())
    return f"{path} {change}"


if __name__ == "__main__":
    main()
