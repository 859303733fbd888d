"""What the house tests look at: the stages as written, and what a file imports."""

import ast
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PACKAGES = ("artifact_units", "steps", "demo", "studies")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def load(name: str) -> dict:
    """A YAML file of the checkout."""
    return YAML(typ="safe", pure=True).load((ROOT / name).read_text(encoding="utf-8"))


def stages() -> dict[str, dict]:
    """Stage name -> what dvc.yaml or demo/dvc.yaml say of it; of a foreach, its one body."""
    found = {**load("dvc.yaml")["stages"], **load("demo/dvc.yaml")["stages"]}
    return {name: stage.get("do", stage) for name, stage in found.items()}


def step_of(stage: dict) -> str | None:
    """The step that a stage runs, by name; None where it runs something else."""
    words = stage["cmd"].split()
    module = words[words.index("-m") + 1] if "-m" in words else ""
    return module.removeprefix("steps.") if module.startswith("steps.") else None


def command_of(stage: dict) -> str:
    """The function of its step that a stage runs: ``main``, or the command that it names."""
    words = stage["cmd"].split()
    word = words[words.index("-m") + 2]
    return "main" if word.startswith(("-", "$")) else word


def outputs_of(stage: dict) -> list[str]:
    """The paths of outputs, metrics and plots."""
    entries = [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


@cache
def imports_of(path: Path) -> frozenset[Path]:
    """The files of this project that a file imports, wherever in it the import stands."""
    found: set[Path | None] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {_file_of(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                # A module of a package, or a name that the module itself holds.
                found.add(_file_of(f"{node.module}.{alias.name}") or _file_of(node.module))
    return frozenset(file for file in found if file)


def _file_of(module: str) -> Path | None:
    if module.split(".")[0] not in PACKAGES:
        return None
    path = ROOT / module.replace(".", "/")
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None
