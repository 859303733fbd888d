"""A Snakemake run as a DVC experiment: ``python -m workflow.experiment NAME KEY=VALUE … -- WORDS``.

It is the last commit with some values of params.yaml set, in a git worktree of its own
(.experiments/NAME), run by ``snakemake WORDS``, so several can run at once and nobody edits them.
What this checkout's cache holds is not computed again. The same command again goes on where an
interrupted one ended; a finished one is listed by ``dvc exp show`` here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from workflow.locks import hold_experiment

FOLDER = Path(".experiments")
READY = Path(".dvc/config.local")  # of a worktree: it says where this checkout's cache is
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
USAGE = 'make exp NAME=deeper SET="fit_corrections.corrections.sequential.stop=5 …"'


def main(words: list[str]) -> None:
    """Make the worktree unless it is there, run it, keep the result, take the worktree away."""
    cut = words.index("--") if "--" in words else len(words)
    name, settings = (words[:cut] or [""])[0], words[1:cut]
    if not NAME.fullmatch(name) or not all("=" in setting for setting in settings):
        sys.exit(f"Error: an experiment needs a name and values: {USAGE}")
    if name in said("dvc", "exp", "list", "--name-only").split():
        sys.exit(f"Error: there is an experiment {name}; name another, or dvc exp remove {name}")
    place = FOLDER / name
    with TemporaryDirectory() as trial:
        _set(Path(shutil.copy("params.yaml", trial)), settings)
    lock = hold_experiment(name)
    if lock is None:
        sys.exit(f"Error: {name} is at work; wait for its end, or give this one another name")
    if not (place / READY).exists():
        _make(place)
    _run("git", "checkout", "--quiet", "params.yaml", at=place)
    _set(place / "params.yaml", settings)
    snakemake = ["snakemake", *words[cut + 1 :]]  # it holds the lock too, and may outlive this one
    if subprocess.run(snakemake, cwd=place, check=False, pass_fds=[lock]).returncode:
        sys.exit(f"Error: {name} is not at its end; the same command goes on ({place} keeps it)")
    _run("dvc", "exp", "save", "--quiet", "--name", name, at=place)
    _run("git", "worktree", "remove", "--force", str(place))
    print(f"{name} is an experiment now: dvc exp show; dvc exp apply {name}")


def check_committed(*but: str) -> None:
    """End where a tracked file is not as the last commit has it; files ``but`` may differ."""
    looked = ["--", ".", *(f":!{file}" for file in but)]
    status = said("git", "status", "--porcelain", "--untracked-files=no", *looked)
    if changed := status.splitlines():
        sys.exit(f"Error: {changed[0][3:]} is not committed; an experiment is the last commit's")


def _make(place: Path) -> None:
    if not place.exists():
        check_committed()
        _run("git", "worktree", "add", "--quiet", "--detach", str(place), "HEAD")
    _run("dvc", "cache", "dir", "--quiet", "--local", said("dvc", "cache", "dir").strip(), at=place)
    _run("dvc", "checkout", "--quiet", "--allow-missing", at=place)


def _set(params: Path, settings: list[str]) -> None:
    from dvc.exceptions import DvcException
    from dvc.utils.hydra import apply_overrides

    try:
        apply_overrides(params, settings)
    except DvcException as error:
        sys.exit(f"Error: {' '.join(settings)}: {error.__cause__ or error}".splitlines()[0])


def _run(*words: str, at: Path | None = None) -> None:
    if subprocess.run(words, cwd=at, check=False).returncode:
        sys.exit(f"Error: {' '.join(words)} failed")


def said(*words: str) -> str:
    """What a command says that must not fail."""
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main(sys.argv[1:])
