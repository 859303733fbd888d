"""What a step owes the engine that started it: to end with it, and to be what it will record.

DVC notes the fingerprint that the code had when the run began. So where the code changed meanwhile,
the result must not appear under that record.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from pathlib import Path

from artifact_units.errors import UserError
from steps.making import warm
from steps.making.stages import fingerprint_of

PROJECT = Path(__file__).parents[2]
FINGERPRINTS = Path("results/fingerprint_code")
GRACE = 10.0  # seconds that a step has to clean up after its engine has gone


class Engine:
    """The DVC process that runs this stage."""

    def __init__(self, stage: str, pid: int) -> None:
        self.name = stage.rpartition(":")[2]
        self.handle = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
        threading.Thread(target=self._end_with_it, daemon=True).start()

    def check(self) -> None:
        """A UserError in one line if what the engine would record is not what was computed."""
        if self.handle is not None and select.select([self.handle], [], [], 0)[0]:
            raise UserError("the process that started this step is gone; run the stage again")
        self._check_code()

    def _check_code(self) -> None:
        """A UserError where the code that this process has read is not what DVC will record."""
        noted = FINGERPRINTS / self.name
        if not noted.is_file() or _newest_source() < noted.stat().st_mtime_ns:
            return  # none was touched since its meaning was noted
        if fingerprint_of(Path(), Path("params.yaml"), self.name) != noted.read_text().strip():
            raise UserError(f"the code of {self.name} {CHANGED}")

    def _end_with_it(self) -> None:
        if self.handle is not None:
            select.select([self.handle], [], [])
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(GRACE)
            os.kill(os.getpid(), signal.SIGKILL)


CHANGED = "changed while the stage ran, and nothing was written; run the stage again"


def started_by() -> Engine | None:
    """The engine that started this step; None where a person did."""
    stage = os.environ.get("DVC_STAGE")
    if stage is None or not Path("/proc/self/environ").exists():
        return None
    mine = f"DVC_STAGE={stage}".encode()
    pid = warm.parent()
    while pid > 1 and mine in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
        pid = _parent(pid)  # a shell that DVC started
    if pid == 1 and b"dvc" not in Path("/proc/1/cmdline").read_bytes():
        raise UserError("the process that started this step is gone; run the stage again")
    return Engine(stage, pid)


def _newest_source() -> int:
    """When a source file that this process has read was last written, renamed or put there."""
    loaded = {file for m in [*sys.modules.values()] if (file := getattr(m, "__file__", None))}
    own = (Path(file) for file in loaded if PROJECT in Path(file).parents)
    return max((path.stat().st_ctime_ns for path in own if path.is_file()), default=0)


def _fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name, which may hold blanks."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _parent(pid: int) -> int:
    return int(_fields(pid)[1])
