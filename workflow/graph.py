"""The graph for a scheduler: DVC's stages as jobs for Snakemake.

dvc.yaml is the only description of the graph and DVC alone knows what is stale. Snakemake is
handed *stamps*, one empty file a stage, set from DVC's answer each time a Snakefile is read:
there is a stamp where the stage is fresh, none where it is stale. A job is
``dvc repro --single-item STAGE``, so outputs, cache and dvc.lock are DVC's in both worlds.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from workflow.locks import STAMPS

SHARDS = Path(".shards")
FINGERPRINTS = "fingerprint_code"  # the stage that says what each stage's code means
OLD = 1.0  # every stamp's time, so that no stamp is newer than another


class GraphError(Exception):
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
    shards: int  # jobs that compute its parts beforehand; 0: it does all itself


class Graph:
    """The stages that dvc.yaml's own ones rest on, in DVC's order.

    A frozen stage needs nothing and DVC never runs it: its job records the output that is there.
    """

    def __init__(self, repo: Any, shards: int) -> None:
        from dvc.repo.reproduce import get_active_graph, plan_repro

        active = get_active_graph(repo.index.graph)
        wanted = repo.stage.collect("dvc.yaml")
        self.repo = repo
        self.stages = plan_repro(active, wanted)
        self.jobs = [_job(stage, list(active[stage]), shards) for stage in self.stages]
        shape = json.dumps([vars(job) for job in self.jobs], sort_keys=True)
        code = [path.read_bytes() for path in (Path("Snakefile"), Path(__file__))]
        # Snakemake remembers a rule's text by its output's path: another text, another path.
        self.folder = STAMPS / hashlib.sha256(b"".join([shape.encode(), *code])).hexdigest()[:12]

    def __iter__(self) -> Iterator[Job]:
        return iter(self.jobs)

    def stamp(self, name: str) -> str:
        """The path of a job's stamp."""
        return str(self.folder / f"{name}.ok")

    def shard_stamp(self, job: Job, shard: int | str = "{shard}") -> str:
        """The path of the stamp of one of a job's shards."""
        return str(self.folder / job.name / f"{shard}-of-{job.shards}.ok")

    def stale(self) -> set[str]:
        """The jobs whose stage DVC would run, or that rest on such a one."""
        from dvc.repo import lock_repo

        stale: set[str] = set()
        constant = {job.name for job in self.jobs if job.constant}
        with lock_repo(self.repo):
            code = self._changed_code()
            for job, stage in zip(self.jobs, self.stages, strict=True):
                rests_on_stale = stale.intersection(job.needs) - constant
                if rests_on_stale or stage.name in code or stage.changed():
                    stale.add(job.name)
        return stale

    def set_stamps(self) -> None:
        """Put a stamp for every fresh job and none for a stale one; not while a run goes on."""
        with one_line():
            stale = self.stale()
        for job, stage in zip(self.jobs, self.stages, strict=True):
            fresh = job.name not in stale
            _set(Path(self.stamp(job.name)), fresh)
            # Shards that a killed run computed count where they are of what is computed now.
            ready = job.shards > 0 and not fresh and not stale & {*job.needs}
            begun = ready and folder_of(stage).is_dir()
            for shard in range(job.shards):
                stamp = Path(self.shard_stamp(job, shard))
                _set(stamp, fresh or (begun and stamp.exists()))

    def _changed_code(self) -> set[str]:
        """The stages whose code means another thing now than their fingerprints say."""
        of_code = [s for s in self.stages if s.name == FINGERPRINTS and s.changed()]
        if not of_code:
            return set()
        noted = Path(of_code[0].outs[0].fs_path)
        STAMPS.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=STAMPS) as folder:
            found = Path(folder) / FINGERPRINTS
            words = shlex.split(of_code[0].cmd.replace(os.path.relpath(noted), str(found)))
            words = [sys.executable if word == "python" else word for word in words]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                raise GraphError(done.stderr.strip().removeprefix("Error: "))
            names = {path.name for path in found.iterdir()}
            return {name for name in names if _text(noted / name) != _text(found / name)}


def read_graph(shards: int = 1) -> Graph:
    """DVC's graph of the current folder, or a GraphError that says what is wrong with it.

    Stages whose work comes in parts are cut into ``shards`` jobs.
    """
    with one_line(), quiet_repo() as repo:
        return Graph(repo, shards)


@contextmanager
def quiet_repo() -> Iterator[Any]:
    """DVC's repository while no other DVC writes; it waits, for records are not written at once."""
    from dvc.repo import Repo, lock_repo

    repo = Repo(_wait_for_lock=True)
    with lock_repo(repo):
        yield repo


def rule_of(stage: str) -> str:
    """The name of a stage as a rule's."""
    return stage.rpartition(":")[2].replace("@", "__")


def folder_of(stage: Any) -> Path:
    """Where the shards of a stage compute its parts: by its command and what it rests on now."""
    from dvc.stage.cache import _get_stage_hash

    stage.save_deps()
    return SHARDS / rule_of(stage.name) / _get_stage_hash(stage)[:16]


def _set(stamp: Path, fresh: bool) -> None:
    if fresh:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()
        os.utime(stamp, (OLD, OLD))
    else:
        stamp.unlink(missing_ok=True)


def _job(stage: Any, needed: Sequence[Any], shards: int) -> Job:
    given = dict((stage.meta or {}).get("smk", {}))
    outputs = (os.path.relpath(out.fs_path) for out in stage.outs)
    comes_in_parts = given.pop("parts", False)
    return Job(
        name=rule_of(stage.name),
        stage=stage.addressing,
        text=stage.desc or stage.name,
        needs=tuple(sorted(rule_of(other.name) for other in needed)),
        constant=given.pop("constant", False),
        threads=given.pop("threads", 1),
        resources=given,
        outputs=tuple(sorted(out for out in outputs if not out.endswith(".manifest.json"))),
        shards=shards if comes_in_parts and shards > 1 else 0,
    )


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


@contextmanager
def one_line() -> Iterator[None]:
    """What DVC says against the block, as a GraphError of one line."""
    from dvc.exceptions import DvcException

    try:
        yield
    except DvcException as error:
        check = [sys.executable, "-m", "steps.check_params", "--params", "params.yaml"]
        checked = subprocess.run(check, capture_output=True, text=True, check=False)
        said = str(error) if checked.returncode == 0 else checked.stderr
        raise GraphError(" ".join(said.removeprefix("Error: ").split())) from None
