"""A graph of four stages, under the project's own Snakefile: whole runs of it take seconds.

first -> left, right -> last; the work of first and left comes in parts. Each is a stand-in.
"""

import shutil
import subprocess
from pathlib import Path

from checkout import FOLDERS, STAND_IN, Checkout
from house import ROOT

GRAPH = """
params: [params.yaml]
stages:
  first:
    cmd: python -m steps.first --out results/first ${first}
    deps: [steps/first.py]
    outs: [results/first]
    meta: {smk: {threads: 1, mem_mb: 10, gpu: 1, parts: true}}
  left:
    cmd: python -m steps.left --first results/first --out results/left ${left}
    deps: [results/first, steps/left.py]
    outs: [results/left]
    meta: {smk: {threads: 1, mem_mb: 10, gpu: 1, parts: true}}
  right:
    cmd: python -m steps.right --first results/first --out results/right
    deps: [results/first, steps/right.py]
    outs: [results/right]
    meta: {smk: {threads: 1, mem_mb: 10}}
  last:
    cmd: python -m steps.last --left results/left --right results/right --out results/last
    deps: [results/left, results/right, steps/last.py]
    outs: [results/last]
    meta: {smk: {threads: 1, mem_mb: 10}}
"""
WARM = ("steps/making/__init__.py", "steps/making/warm.py")  # how jobs are started
STAGES = ("first", "left", "right", "last")
ONCE = sorted(f"{stage} {part}" for stage in STAGES for part in "abcd")  # see ``computed``
PARAMS = "first: {seed: 0}\nleft: {strength: 1}\n"


def make(path: Path) -> Checkout:
    """The graph in a repository of its own, nothing of it done."""
    for folder in set(FOLDERS) - {"demo", "params", "steps"}:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, path / folder, ignore=ignored)
    for file in (".dvcignore", ".gitignore", ".dvc/config", "Snakefile", "Makefile"):
        (path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, path / file)
    for file in ("steps/__init__.py", "steps/__main__.py", *WARM):
        (path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, path / file)
    for stage in STAGES:
        shutil.copy(STAND_IN, path / "steps" / f"{stage}.py")
    (path / "profiles").symlink_to("workflow/profiles")
    (path / "dvc.yaml").write_text(GRAPH)
    (path / "params.yaml").write_text(PARAMS)
    subprocess.run(["git", "init", "-q", path], check=True)
    return Checkout(path)


def computed(checkout: Checkout) -> list[str]:
    """The parts computed since this was last asked, sorted; ``stage part``."""
    log = checkout.path / "parts.log"
    lines = sorted(log.read_text().splitlines()) if log.exists() else []
    log.unlink(missing_ok=True)
    return lines
