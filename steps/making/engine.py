"""What a step owes the engine that started it: to end with it, and to be what it will record.

DVC notes the parameters and the code that are there when a stage *ends*. So where one of them
changed after DVC had started the stage, its result must not appear under that record.
"""

from __future__ import annotations

import hashlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifact_units.errors import UserError

PROJECT = Path(__file__).parents[2]
PACKAGES = ("artifact_units", "steps", "demo")
GRACE = 10.0  # seconds that a step has to clean up after its engine has gone


class Engine:
    """The DVC process that runs this stage, and what it started the step on."""

    def __init__(self, stage: str, pid: int, given: Mapping[str, Any]) -> None:
        self.name = stage.rpartition(":")[2]
        self.given = given
        self.started = _start_of(pid)
        self.handle = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
        self.code = {path: _sha(path) for package in PACKAGES for path in _sources(package)}
        threading.Thread(target=self._end_with_it, daemon=True).start()

    def check(self) -> None:
        """A UserError in one line if what the engine would record is not what was computed."""
        if self.handle is not None and select.select([self.handle], [], [], 0)[0]:
            raise UserError("the process that started this step is gone; run the stage again")
        loaded = {Path(file) for m in [*sys.modules.values()] if (file := _file(m))}
        for path in sorted(loaded & self.code.keys()):
            if not path.is_file() or _sha(path) != self.code[path]:
                raise UserError(f"{path.relative_to(PROJECT)} {CHANGED}")
        file = Path("params.yaml")
        if file.is_file() and file.stat().st_mtime >= self.started:
            self._check_values(file)

    def _check_values(self, file: Path) -> None:
        for name, value in _recorded(self.name, _load(file)).items():
            used = self.given.get(name, value)
            if used != value:
                raise UserError(f"{file}: {name} is {value!r}, was {used!r}: it {CHANGED}")

    def _end_with_it(self) -> None:
        if self.handle is not None:
            select.select([self.handle], [], [])
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(GRACE)
            os.kill(os.getpid(), signal.SIGKILL)


CHANGED = "changed while the stage ran, and nothing was written; run the stage again"


def started_by(given: Mapping[str, Any]) -> Engine | None:
    """The engine that started this step on the values ``given``; None where a person did."""
    stage = os.environ.get("DVC_STAGE")
    if stage is None or not Path("/proc/self/environ").exists():
        return None
    mine = f"DVC_STAGE={stage}".encode()
    pid = os.getppid()
    while pid > 1 and mine in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
        pid = _parent(pid)  # a shell that DVC started
    if pid == 1 and b"dvc" not in Path("/proc/1/cmdline").read_bytes():
        raise UserError("the process that started this step is gone; run the stage again")
    return Engine(stage, pid, given)


def _recorded(stage: str, values: Any) -> dict[str, Any]:
    """The values that DVC will record of a stage, by the names of the options that take them."""
    name, _, key = stage.partition("@")
    found: dict[str, Any] = {}
    for file in (Path("dvc.yaml"), Path("demo/dvc.yaml")):
        described = _load(file)["stages"].get(name, {}) if file.is_file() else {}
        for place in described.get("do", described).get("params", []):
            *_, last = parts = place.replace("${key}", key).split(".")
            here = values
            for part in parts:
                here = here.get(part, {})
            found |= here if isinstance(here, dict) else {last: here}
    return found


def _load(file: Path) -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))


def _sources(package: str) -> list[Path]:
    return sorted((PROJECT / package).rglob("*.py"))


def _file(module: Any) -> str | None:
    return getattr(module, "__file__", None)


def _sha(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name, which may hold blanks."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _parent(pid: int) -> int:
    return int(_fields(pid)[1])


def _start_of(pid: int) -> float:
    """When a process started, in seconds since the epoch."""
    lines = Path("/proc/stat").read_text().splitlines()
    booted = next(int(line.split()[1]) for line in lines if line.startswith("btime"))
    return booted + int(_fields(pid)[19]) / os.sysconf("SC_CLK_TCK")
