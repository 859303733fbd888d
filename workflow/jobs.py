"""What a scheduler's job does: ``python -m workflow.jobs STAGE`` runs one stage under DVC.

With ``i/n`` behind it, the job is a shard of the stage: it computes a share of its parts before the
stage is run. They lie in .shards/RULE/FINGERPRINT, of the stage's command and of the content of
what it rests on, so a stage is never handed parts that were made from something else.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable
from typing import Any

from workflow.atomic_dvc import run_dvc
from workflow.graph import SHARDS, folder_of, quiet_repo, rule_of
from workflow.locks import hold_job


def run(stage: str) -> None:
    """Be DVC, running one stage on what its shards have computed, if any have."""
    if (SHARDS / rule_of(stage)).is_dir():
        from dvc import stage as stages

        stages.run_stage = _with_parts(stages.run_stage)
    sys.exit(run_dvc("--wait-for-lock", "repro", "--single-item", stage))


def _with_parts(run_stage: Callable[..., None]) -> Callable[..., None]:
    """The same on finished parts, of what DVC has read: before it has its lock, that may change."""

    def run_(stage: Any, *given: Any, **named: Any) -> None:
        os.environ["STEP_SHARDS"] = str(folder_of(stage))
        return run_stage(stage, *given, **named)

    return run_


def run_shard(name: str, share: str) -> None:
    """Become the process that computes a share of a stage's parts, if DVC would run the stage."""
    stage = _collected(name)
    due = is_due(stage)
    folder = folder_of(stage)
    if not due:
        print(f"{name}: its outputs are there or in the cache; nothing to compute")
        return
    folder.mkdir(parents=True, exist_ok=True)
    for other in set(folder.parent.iterdir()) - {folder}:
        shutil.rmtree(other, ignore_errors=True)
    words = ["--shard", share, "--shards", str(folder)]
    os.chdir(stage.wdir)
    os.execvp("sh", ["sh", "-c", f"exec {stage.cmd} {shlex.join(words)}"])


def is_due(stage: Any) -> bool:
    """Whether DVC would run the stage's command; not where its outputs are there or cached."""
    if not (stage.cmd_changed or any(entry.changed() for entry in [*stage.deps, *stage.outs])):
        return False
    recorded = _is_cached(stage)
    stage.save_deps()
    return not (recorded or _is_cached(stage))


def _is_cached(stage: Any) -> bool:
    from dvc.stage.cache import RunCacheNotFoundError

    try:
        stage.repo.stage_cache.restore(stage, dry=True)
    except RunCacheNotFoundError:
        return False
    return True


def _collected(name: str) -> Any:
    with quiet_repo() as repo:
        (stage,) = repo.stage.collect(name)
        return stage


if __name__ == "__main__":
    hold_job()
    (run if len(sys.argv) == 2 else run_shard)(*sys.argv[1:])
