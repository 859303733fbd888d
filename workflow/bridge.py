"""One graph, two engines: DVC's stages as jobs for Snakemake.

dvc.yaml is the only description of the graph and DVC alone knows what is stale. Snakemake is
handed *stamps*, one empty file a stage, set from DVC's answer each time a Snakefile is read:
there is a stamp where the stage is fresh, none where it is stale. A job is
``dvc repro --single-item STAGE``, so outputs, cache and dvc.lock are DVC's in both worlds.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A job's `dvc` and its stage's `python` are those that this process runs under.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

STAMPS = Path(".smk")
SNAKEMAKE = Path(".snakemake")
OLD = 1.0  # every stamp's time, so that no stamp is newer than another


class BridgeError(Exception):
    """DVC has no answer; one line that says why."""


@dataclass(frozen=True)
class Job:
    """A stage as a rule. ``needs`` and ``name`` are rule names, ``stage`` is DVC's address."""

    name: str
    stage: str
    text: str
    needs: tuple[str, ...]
    constant: bool  # its output never changes: later stages wait for it, but are not stale by it
    threads: int
    resources: dict[str, int | str]
    outputs: tuple[str, ...]


class Graph:
    """The stages that dvc.yaml's own ones rest on, in DVC's order.

    A frozen stage needs nothing and DVC never runs it: its job records the output that is there.
    """

    def __init__(self, repo: Any) -> None:
        from dvc.repo.reproduce import get_active_graph, plan_repro

        active = get_active_graph(repo.index.graph)
        wanted = repo.stage.collect("dvc.yaml")
        self.repo = repo
        self.stages = plan_repro(active, wanted)
        self.jobs = [_job(stage, list(active[stage])) for stage in self.stages]
        shape = json.dumps([vars(job) for job in self.jobs], sort_keys=True)
        code = [path.read_bytes() for path in (Path("Snakefile"), Path(__file__))]
        # Snakemake remembers a rule's text by its output's path: another text, another path.
        self.folder = STAMPS / hashlib.sha256(b"".join([shape.encode(), *code])).hexdigest()[:12]

        self.recorded = {lock: _recorded(lock) for lock in map(_lock_of, self.stages)}

    def __iter__(self) -> Iterator[Job]:
        return iter(self.jobs)

    def stamp(self, name: str) -> str:
        """The path of a job's stamp."""
        return str(self.folder / f"{name}.ok")

    def stale(self) -> set[str]:
        """The jobs whose stage DVC would run, or that rest on such a one."""
        from dvc.repo import lock_repo

        stale: set[str] = set()
        constant = {job.name for job in self.jobs if job.constant}
        with lock_repo(self.repo):
            for job, stage in zip(self.jobs, self.stages, strict=True):
                if stale.intersection(job.needs) - constant or stage.changed():
                    stale.add(job.name)
        return stale

    def set_stamps(self) -> None:
        """Put a stamp for every fresh job and none for a stale one, unless a run is under way."""
        if _busy():
            return
        # Stamps made anew are never half-written, whatever a killed run has left noted.
        shutil.rmtree(SNAKEMAKE / "incomplete", ignore_errors=True)
        with _one_line():
            stale = self.stale()
        self.folder.mkdir(parents=True, exist_ok=True)
        for job in self.jobs:
            stamp = Path(self.stamp(job.name))
            if job.name in stale:
                stamp.unlink(missing_ok=True)
            else:
                stamp.touch()
                os.utime(stamp, (OLD, OLD))

    def order_locks(self) -> None:
        """Put the stages recorded since the graph was read into the order that DVC runs them in.

        Jobs end in any order and DVC appends; so the same run is the same dvc.lock, byte for byte.
        """
        from dvc.repo import lock_repo
        from dvc.utils.serialize import modify_yaml

        with lock_repo(self.repo):
            for lock, before in self.recorded.items():
                mine = [stage.name for stage in self.stages if _lock_of(stage) == lock]
                new = [name for name in mine if name not in before]
                if [name for name in _recorded(lock) if name in new] == new:
                    continue
                with modify_yaml(str(lock)) as data:
                    for name in new:
                        if name in data["stages"]:
                            data["stages"][name] = data["stages"].pop(name)


def read_graph() -> Graph:
    """DVC's graph of the current folder, or a BridgeError that says what is wrong with it."""
    with _one_line():
        from dvc.repo import Repo

        return Graph(Repo())


def _job(stage: Any, needed: Sequence[Any]) -> Job:
    given = dict((stage.meta or {}).get("smk", {}))
    return Job(
        name=_name(stage),
        stage=stage.addressing,
        text=stage.desc or stage.name,
        needs=tuple(sorted(_name(other) for other in needed)),
        constant=given.pop("constant", False),
        threads=given.pop("threads", 1),
        resources=given,
        outputs=tuple(sorted(os.path.relpath(out.fs_path) for out in stage.outs)),
    )


def _name(stage: Any) -> str:
    return stage.name.replace("@", "__")


def _lock_of(stage: Any) -> Path:
    return Path(stage.path).with_suffix(".lock")


def _recorded(lock: Path) -> list[str]:
    from dvc.utils.serialize import load_yaml

    return list(load_yaml(str(lock)).get("stages", {})) if lock.exists() else []


def _busy() -> bool:
    locks = SNAKEMAKE / "locks"
    return locks.is_dir() and any(locks.iterdir())


@contextmanager
def _one_line() -> Iterator[None]:
    from dvc.exceptions import DvcException

    try:
        yield
    except DvcException as error:
        check = [sys.executable, "-m", "steps.check_params", "--params", "params.yaml"]
        checked = subprocess.run(check, capture_output=True, text=True, check=False)
        said = str(error) if checked.returncode == 0 else checked.stderr
        raise BridgeError(" ".join(said.removeprefix("Error: ").split())) from None
