"""``make verify``: whether this machine reproduces the record, ``dvc.lock`` of the last commit.

All stages are run anew in a worktree with an empty cache, so that nothing is taken over, and every
output's md5 is held against the recorded one. Where they differ, the first stage that does is
named, how far its values are apart where the recorded bytes lie in this checkout's cache, and the
likely reason: what its manifests note (a GPU, another kind of processor, run.portable off), or
versions that the lock does not name. An interrupted run goes on when the command is given again.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from workflow.apart import Apart, furthest, numbers_of
from workflow.experiment import FOLDER, check_committed, said
from workflow.graph import read_graph
from workflow.locks import hold_experiment

PLACE = FOLDER / ".verify"  # no name of an experiment begins with a dot
MANIFEST = ".manifest.json"
LOCK = Path("requirements.lock")
TOOLS = ("numba", "numpy", "pillow", "pyarrow", "safetensors", "torch", "torchvision")
# Where no bytes are promised, a metric agrees that lies so near to the recorded one.
RELATIVE, ABSOLUTE = 0.1, 0.05
SHOWN = 5  # metrics of a file


@dataclass(frozen=True)
class Output:
    """What a stage made, by DVC's md5s of its path: recorded, and here (None: not there)."""

    stage: str
    path: str
    recorded: str
    here: str | None


def main() -> None:
    """Run everything anew, and print the screen; exit status 1 where this is not the record."""
    check_committed()
    lock = hold_experiment(PLACE.name)
    if lock is None:
        sys.exit("Error: another `make verify` is at work here; wait for its end")
    cache = Path(said("dvc", "cache", "dir").strip())
    _make()
    if subprocess.run([sys.executable, "-m", "workflow.run"], cwd=PLACE, check=False).returncode:
        sys.exit(f"Error: not at its end; the same command goes on ({PLACE} keeps it)")
    good = report(PLACE, cache)
    subprocess.run(["git", "worktree", "remove", "--force", str(PLACE)], check=True)
    sys.exit(0 if good else 1)


def report(place: Path, cache: Path) -> bool:
    """Print what the run in ``place`` made of the record; whether that is as good as promised."""
    outputs = list(outputs_of(place))
    different = [output for output in outputs if output.recorded != output.here]
    if not different:
        print(f"This machine reproduces the record: {len(outputs)} outputs, byte for byte.")
        return True
    first = different[0].stage
    print(f"{len(different)} of {len(outputs)} outputs are not those of the record. The first:")
    for output in different:
        if output.stage == first:
            print(f"  {first}: {output.path}{_how_far(output, place, cache)}")
    notes = list(notes_of(place, first))
    print(f"Likely reason: {'; '.join([*notes, *other_versions()]) or 'none that is known here'}.")
    return _metrics(place) and bool(notes)


def outputs_of(place: Path) -> Iterator[Output]:
    """Every recorded output but manifests, in the order of the graph."""
    recorded = _stages(said("git", "show", f"HEAD:{file}") for file in _records())
    here = _made(place)
    for stage in order(place):
        made = {out["path"]: out["md5"] for out in here.get(stage, {}).get("outs", [])}
        for out in recorded.get(stage, {}).get("outs", []):
            if not out["path"].endswith(MANIFEST):
                yield Output(stage, out["path"], out["md5"], made.get(out["path"]))


def order(place: Path) -> list[str]:
    """The names of the stages, each after those that it rests on."""
    before = Path.cwd()
    os.chdir(place)
    try:
        return [stage.name for stage in read_graph().stages]
    finally:
        os.chdir(before)


def notes_of(place: Path, stage: str) -> Iterator[str]:
    """What the manifests of a stage's outputs note: how it was computed otherwise than usual."""
    noted: dict[str, None] = {}
    for out in _made(place)[stage].get("outs", []):
        if out["path"].endswith(MANIFEST):
            found = json.loads((place / out["path"]).read_text(encoding="utf-8"))
            noted |= dict.fromkeys(found.get("notes", []))
    yield from noted


def other_versions() -> Iterator[str]:
    """The libraries that are not those of the lock."""
    text = LOCK.read_text(encoding="utf-8") if LOCK.is_file() else ""
    for tool in TOOLS:
        named = re.findall(rf"^{tool}==([^\s;]+)", text, re.MULTILINE)
        try:
            found = version(tool)
        except PackageNotFoundError:
            continue
        if named and found not in named:
            yield f"{tool} {found} is installed, {LOCK} says {' or '.join(named)}"


def _make() -> None:
    """The last commit in the worktree, with nothing computed and what git does not hold."""
    head = said("git", "rev-parse", "HEAD")
    if PLACE.exists() and said("git", "-C", str(PLACE), "rev-parse", "HEAD") != head:
        subprocess.run(["git", "worktree", "remove", "--force", str(PLACE)], check=True)
    if not PLACE.exists():
        words = ["git", "worktree", "add", "--quiet", "--detach", str(PLACE), "HEAD"]
        subprocess.run(words, check=True)
    made = {Path(out.fs_path) for stage in read_graph().stages for out in stage.outs}
    for stage in read_graph().stages:
        for read in (Path(os.path.relpath(dep.fs_path)) for dep in stage.deps):
            inside = read.resolve() in made or any(p in made for p in read.resolve().parents)
            if read.exists() and not inside and not (PLACE / read).exists():
                (PLACE / read).parent.mkdir(parents=True, exist_ok=True)
                (PLACE / read).symlink_to(read.resolve())


def _how_far(output: Output, place: Path, cache: Path) -> str:
    """How far an output's values are from the recorded ones, in words."""
    if output.here is None:
        return " is missing"
    found: list[tuple[str, Apart]] = []
    for name, recorded in _files(output.recorded, cache):
        mine = place / output.path / name if name else place / output.path
        if recorded.is_file() and mine.is_file():
            found += [(name, apart)] if (apart := furthest(recorded, mine)) else []
    if not found:
        return " (what was recorded is not in this checkout's cache)"
    name, apart = max(found, key=lambda pair: pair[1].distance)
    return f"{f'/{name}' if name else ''}: {apart.words}"


def _files(md5: str, cache: Path) -> Iterator[tuple[str, Path]]:
    """The files of a recorded output in DVC's cache, by their paths in a folder; "": the output."""

    def at(known: str) -> Path:
        return cache / "files" / "md5" / known[:2] / known[2:]

    if not md5.endswith(".dir"):
        yield "", at(md5)
    elif at(md5).is_file():
        for entry in json.loads(at(md5).read_text()):
            yield entry["relpath"], at(entry["md5"])


def _metrics(place: Path) -> bool:
    """Print how the metrics that git holds compare; whether all are within the tolerances."""
    good = True
    for path in said("git", "ls-files", "results/**/*.json").split():
        recorded = numbers_of(json.loads(said("git", "show", f"HEAD:{path}")))
        here = numbers_of(json.loads((place / path).read_text(encoding="utf-8")))
        equal = sum(here.get(name) == value for name, value in recorded.items())
        far = {name: v for name, v in recorded.items() if not _agree(v, here.get(name))}
        near = f"{len(recorded) - len(far)} within {RELATIVE:.0%} or {ABSOLUTE:g}"
        print(f"{path}: of {len(recorded)} metrics {equal} are equal, {near}.")
        for name, value in [*far.items()][:SHOWN]:
            print(f"  {name}: recorded {value:g}, here {here.get(name, 'missing')}")
        good = good and not far
    return good


def _agree(recorded: float, here: float | None) -> bool:
    return here is not None and abs(here - recorded) <= max(ABSOLUTE, RELATIVE * abs(recorded))


def _records() -> list[str]:
    return said("git", "ls-files", "dvc.lock", "*/dvc.lock").split()


def _made(place: Path) -> dict[str, Any]:
    return _stages((place / file).read_text(encoding="utf-8") for file in _records())


def _stages(records: Iterable[str]) -> dict[str, Any]:
    """Every stage of the texts of records, by name."""
    from ruamel.yaml import YAML

    yaml, found = YAML(typ="safe"), {}
    for record in records:
        found |= (yaml.load(record) or {}).get("stages", {})
    return found


if __name__ == "__main__":
    main()
