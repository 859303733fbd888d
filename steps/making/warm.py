"""Steps as forks of a warm process, so that torch is imported once a run and not once a stage.

The first step of a run that computes starts the process (``start``); it imports what steps import
and no code of this project. A step that begins afterwards (``attend``) asks it for a fork, which
gets the step's words, environment, folder and open files, and gives the step's exit status back.
Where there is no such process, or it is of another user, a step starts as it always did.

It ends with its owner, the engine that began the run; nothing of it lies on the disk. Of a fork
asked for by a step that is killed, nothing stays; it goes on where the warm process is killed.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

OWNER = "ARTIFACT_UNITS_OWNER"  # set by an engine that has others start its steps
LOADED = ("torch", "numpy", "pyarrow.parquet", "pyarrow.compute", "safetensors.torch", "PIL.Image")
LOADED += ("torch.nn.functional", "torchvision.models", "numba", "jaxtyping", "pydantic", "click")
LOADED += ("ruamel.yaml", "dvc.cli", "dvc.repo.reproduce", "dvc.commands.repro", "jinja2")
GRACE = 10.0  # seconds that a step has to clean up after the one that asked for it has gone
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOST = 1
SERVE = "--serve"

_BEGUN = dict(os.environ)  # before a step sets what its libraries are to read
_asked_by: int | None = None  # within a fork: the process that asked for it


def parent() -> int:
    """The process that stands for this one's parent: in a fork, the step that asked for it."""
    return os.getppid() if _asked_by is None else _asked_by


def attend() -> None:
    """Be a fork of the warm process from here on, if this is a command and there is one."""
    words = sys.orig_argv
    if words[1:2] == ["-m"] and words[2].count(".") == 1 and words[2].startswith("steps."):
        delegate(words[2], words[3:])


def start() -> None:
    """Start the warm process of this run, unless there is one or nobody owns the run."""
    import subprocess

    if (owner := _owner()) and _asked_by is None:
        words = [sys.executable, "-m", "steps", SERVE, str(owner)]
        words.append(_address(owner, sys.argv, _BEGUN))
        none = subprocess.DEVNULL
        subprocess.Popen(words, stdin=none, stdout=none, stderr=none, start_new_session=True)


def delegate(module: str, words: Sequence[str]) -> None:
    """Have the warm process run a module, and end as it ends; return where there is none."""
    owner = _owner()
    if owner is None:
        return
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect("\0" + _address(owner, words, os.environ))
        except OSError:
            return
        if not _is_mine(connection):
            return
        request = {"module": module, "words": list(words), "environment": dict(os.environ)}
        request |= {"folder": os.getcwd(), "process": os.getpid()}
        for number in FORWARDED:
            signal.signal(number, lambda number, _frame: connection.send(bytes([number])))
        text = json.dumps(request).encode()
        socket.send_fds(connection, [struct.pack("!I", len(text))], [0, 1, 2])
        connection.sendall(text)
        said = connection.recv(4)
    if len(said) < 4:
        print("Error: the step was killed; run it again", file=sys.stderr)
    os._exit(struct.unpack("!I", said)[0] if len(said) == 4 else LOST)


def _owner() -> int | None:
    """The engine that began this run; None where a person started the step, or it is gone."""
    stage = os.environ.get("DVC_STAGE")
    if os.environ.get("SLURM_JOB_ID"):
        return None  # on a node that is not the owner's
    if said := os.environ.get(OWNER):
        return int(said) if Path(f"/proc/{said}").is_dir() else None
    if stage is None or not Path("/proc/self/environ").exists():
        return None
    pid, mine = parent(), f"DVC_STAGE={stage}".encode()
    with suppress(OSError):
        while pid > 1 and mine in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        return pid if pid > 1 else None
    return None


def _address(owner: int, words: Sequence[str], environment: Mapping[str, str]) -> str:
    """A name that no file has: it goes with the process.

    Another one for every folder, and for what libraries are told before they are imported.
    """
    began = Path(f"/proc/{owner}/stat").read_text().rpartition(")")[2].split()[19]
    known = [sys.executable, os.getcwd(), began, _settings(environment)]
    known += [dict(pairwise(words)).get("--threads", "1"), "--no-portable" in words]
    digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]
    return f"artifact-units-{os.getuid()}-{owner}-{digest}"


def _settings(environment: Mapping[str, str]) -> list[str]:
    """What libraries read of the environment when they are imported."""
    heads = ("OMP_", "MKL_", "OPENBLAS_", "NUMBA_", "NPY_", "ATEN_", "ONEDNN_", "CUDA_", "TORCH_")
    heads += ("GOMP_", "MIMALLOC_", "PYTHON", "LD_", "TRITON_")
    return sorted(f"{k}={v}" for k, v in environment.items() if k.startswith(heads))


def _is_mine(connection: socket.socket) -> bool:
    """Whether the process at the other end is of the same user."""
    size = struct.calcsize("3i")
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return struct.unpack("3i", found)[1] == os.getuid()


def serve(owner: int, address: str) -> None:
    """Be the warm process until the owner ends."""
    watched = os.pidfd_open(owner)
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind("\0" + address)
        except OSError:
            return  # another one was faster
        listener.listen(64)
        _load()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            ready, _, _ = select.select([listener, watched], [], [])
            if watched in ready:
                return
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                os.close(watched)
                _supervise(connection)
            connection.close()


def _load() -> None:
    """Import what steps import; what is not installed is left out."""
    import gc
    import importlib

    for name in LOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _supervise(connection: socket.socket) -> NoReturn:
    """Run a request in a child; hand signals on to it, and its status back."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if not _is_mine(connection):
        os._exit(LOST)
    request, files = _received(connection)
    child = os.fork()
    if child == 0:
        connection.close()
        _become(request, files)
    for file in files:
        os.close(file)
    ended = os.pidfd_open(child)
    while True:
        ready, _, _ = select.select([connection, ended], [], [])
        if ended in ready:
            break
        if said := connection.recv(1):
            os.kill(child, said[0])
            continue
        os.kill(child, signal.SIGTERM)
        if not select.select([ended], [], [], GRACE)[0]:
            os.kill(child, signal.SIGKILL)
        break
    status = os.waitpid(child, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    with suppress(OSError):
        connection.sendall(struct.pack("!I", code if code >= 0 else 128 - code))
    os._exit(0)


def _received(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    head, files, _, _ = socket.recv_fds(connection, 4, 3)
    size = struct.unpack("!I", head)[0]
    with connection.makefile("rb") as stream:
        return json.loads(stream.read(size)), list(files)


def _become(request: Mapping[str, Any], files: Sequence[int]) -> NoReturn:
    """Be the command that was asked for: its files, folder, environment and words."""
    import ctypes
    import gc
    import runpy
    import traceback

    global _asked_by
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: end with the supervisor
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", buffering=1 if os.isatty(1) else -1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    _asked_by = request["process"]
    sys.argv = [request["module"], *request["words"]]
    code = 1
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    gc.disable()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
