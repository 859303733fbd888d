"""A copy of the project in a repository of its own, and the two engines on it."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from house import ROOT, stages, step_of
from ruamel.yaml import YAML

FOLDERS = ("artifact_units", "demo", "params", "steps", "workflow")
FILES = (".dvcignore", ".gitignore", ".dvc/config", "Snakefile", "dvc.yaml", "params.yaml")
STAND_IN = ROOT / "tests/engines/stand_in.py"
# Steps that engines ask before anything is computed.
REAL = ("check_embedded", "check_params", "fingerprint_code")
FIRST = "from __future__ import annotations\n"
INSTEAD = "exec(open('steps/stand_in.py').read(), {}); raise SystemExit\n"
BIN = Path(sys.executable).parent
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")  # a make under `make test` would say that it is
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in OF_MAKE},
    "PATH": f"{BIN}:{os.environ['PATH']}",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def put(values: Any, changes: dict[str, Any]) -> None:
    """Set values by their dotted places; None takes a key away."""
    for place, value in changes.items():
        *parents, key = place.split(".")
        here = values
        for parent in parents:
            here = here[parent]
        if value is None:
            del here[key]
        else:
            here[key] = value


@dataclass(frozen=True)
class Checkout:
    """A folder with the project in it."""

    path: Path

    @classmethod
    def make(cls, path: Path, changes: dict[str, Any], stand_ins: bool) -> "Checkout":
        """Copy the project; ``stand_ins`` are run in place of every step that computes.

        The step's own code stays in the file: a stage still rests on what it would run.
        """
        for folder in FOLDERS:
            ignored = shutil.ignore_patterns("__pycache__", "dvc.lock")
            shutil.copytree(ROOT / folder, path / folder, ignore=ignored)
        for file in FILES:
            (path / file).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / file, path / file)
        (path / "profiles").symlink_to("workflow/profiles")
        if stand_ins:
            for weights in ("church_generator", "scene_encoder"):
                (path / "demo" / f"{weights}.safetensors").write_text(weights)
            shutil.copy(STAND_IN, path / "steps" / STAND_IN.name)
            for stage in stages().values():
                if (step := step_of(stage)) and step not in REAL:
                    file = path / "steps" / f"{step}.py"
                    file.write_text(file.read_text().replace(FIRST, FIRST + INSTEAD, 1))
        checkout = cls(path)
        checkout.change(changes)
        subprocess.run(["git", "init", "-q", path], check=True)
        return checkout

    def git(self, *words: str) -> None:
        """A git command in it."""
        subprocess.run(["git", *words], cwd=self.path, check=True)

    def commit_first(self) -> None:
        """Commit all there is, by an author that stays with it and its copies."""
        for name, value in (("user.name", "n"), ("user.email", "n@example.org")):
            self.git("config", name, value)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "one")

    def copy(self, path: Path) -> "Checkout":
        """The same state elsewhere."""
        shutil.copytree(self.path, path, symlinks=True)
        return Checkout(path)

    def change(self, changes: dict[str, Any]) -> None:
        """Set parameters by their places, those in demo/params.yaml too; None takes a key away."""
        yaml = YAML()
        embedded = self.path / "demo/params.yaml"
        sections = set(yaml.load(embedded)) if embedded.is_file() else set()
        apart = {at: value for at, value in changes.items() if at.split(".")[0] in sections}
        others = {at: value for at, value in changes.items() if at not in apart}
        for file, its in ((self.path / "params.yaml", others), (embedded, apart)):
            if its:
                values = yaml.load(file.read_text(encoding="utf-8"))
                put(values, its)
                with file.open("w", encoding="utf-8") as out:
                    yaml.dump(values, out)

    def append(self, name: str, text: str) -> None:
        """Add to the end of a file."""
        with (self.path / name).open("a", encoding="utf-8") as file:
            file.write(text)

    def runs(self, *words: str) -> str:
        """What a command says that must end well."""
        done = self._start(*words)
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    def dvc(self, *words: str) -> str:
        """What a DVC command says."""
        return self.runs("dvc", *words)

    def snakemake(self, *words: str) -> str:
        """What Snakemake says, on two cores."""
        return self.runs("snakemake", "--cores", "2", *words)

    def fails(self, *words: str) -> str:
        """What a command says that must fail."""
        done = self._start(*words)
        assert done.returncode != 0, done.stdout
        return done.stdout

    def says(self, *words: str) -> str:
        """What a command says, however it ends."""
        return self._start(*words).stdout

    def locks(self) -> dict[str, Any]:
        """The records of the run: stages in any order, for jobs end in any."""
        yaml = YAML(typ="safe")
        return {name: yaml.load(self.path / name) for name in ("dvc.lock", "demo/dvc.lock")}

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A command on its own, in a group of its own; nobody hears it."""
        return subprocess.Popen(
            words,
            cwd=self.path,
            env=ENVIRONMENT,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _start(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=self.path,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def stages_run(said: str) -> list[str]:
    """The stages whose command DVC ran, in what either engine said; sorted."""
    return sorted(re.findall(r"Running stage '(?:demo/dvc\.yaml:)?([^']*)'", said))


def wait_for(condition: Callable[[], object]) -> None:
    """Return when a condition holds, which must be within a minute."""
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen in a minute")


def begin(checkout: Checkout, mark: str) -> subprocess.Popen[str]:
    """DVC, once a step that it started has written ``mark``; a process group of its own."""
    process = subprocess.Popen(
        [str(BIN / "dvc"), "repro"],
        cwd=checkout.path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: (checkout.path / mark).exists() or process.poll() is not None)
    assert process.poll() is None, process.communicate()[0]
    return process
