"""A real step killed at every moment that could matter, and two of it at once.

A step runs in a fork of this process, so that torch is not imported again each time.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
from reliability.world import World

from artifact_units.errors import UserError
from artifact_units.files.manifests import SUFFIX, hashes_of, verify

STAGE = "sample_generations"
OUT = Path("results/sample_generations")
MANIFEST = Path(f"{OUT}{SUFFIX}")
FEW = {"labelled": 3, "unlabelled": 2, "heldout": 2}
# What a process does to the disk, as Python tells an audit hook: each is a moment to die at.
EVENTS = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "shutil.rmtree")


def child(world: World, stage: str, hook=None, **instead) -> int:
    """Start a step in a process of its own; its id. What it says goes to the file ``said``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of forking with threads, which only wait
        pid = os.fork()
    if pid:
        return pid
    try:
        if hook is not None:
            sys.addaudithook(hook)
        result = world.run(stage, **(FEW | instead))
        Path(f"said.{os.getpid()}").write_text(result.output)
        os._exit(result.exit_code)
    finally:
        os._exit(70)


def ended(pid: int) -> int:
    """The exit status of a process, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def writes(event: str, words: tuple) -> bool:
    if event == "open":
        return bool(words[2] & (os.O_WRONLY | os.O_RDWR)) if isinstance(words[2], int) else False
    return event in EVENTS


def dying_at(moment: int):
    """A hook that kills its process, unasked and at once, before it touches the disk again."""
    seen = 0

    def hook(event, words):
        nonlocal seen
        if writes(event, words):
            seen += 1
            if seen > moment:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


def accepted() -> dict[str, str] | None:
    """What the next step would take the output for: its files, or nothing."""
    if not OUT.exists():
        return None
    hashes = hashes_of(OUT)
    try:
        verify(OUT, hashes)
    except UserError:
        return None  # it is refused
    return {str(file): sha for file, sha in hashes.items()}


@dataclass(frozen=True)
class Undisturbed:
    """What the step makes if it is left alone, and what it made of other parameters before."""

    world: World
    whole: dict[str, str]
    manifest: bytes
    older: dict[str, str]

    def begin(self, older: bool) -> None:
        """Take the output away, or put the older one in its place."""
        shutil.rmtree(OUT, ignore_errors=True)
        MANIFEST.unlink(missing_ok=True)
        if older:
            shutil.copytree("older", OUT, copy_function=os.link)
            os.link("older.json", MANIFEST)

    def check(self, older: bool) -> None:
        """After a kill: the old output or the new one; then all comes out as if undisturbed."""
        before = self.older if older else None
        assert accepted() in (None, before, self.whole)
        if OUT.exists():
            assert {str(f): sha for f, sha in hashes_of(OUT).items()} in (before, self.whole)
        visible = [path.name for path in OUT.parent.glob(f"[!.]*{OUT.name}*")]
        assert set(visible) <= {OUT.name, MANIFEST.name}
        assert ended(child(self.world, STAGE)) == 0
        assert (accepted(), MANIFEST.read_bytes()) == (self.whole, self.manifest)


@pytest.fixture
def undisturbed(world):
    """The step run twice, each alone, and in this process so that its forks import nothing."""
    assert world.run(STAGE, **FEW).exit_code == 0
    found = []
    for labelled in (2, 3):
        assert ended(child(world, STAGE, labelled=labelled)) == 0
        found.append(accepted())
        if labelled == 2:
            os.rename(OUT, "older")
            os.rename(MANIFEST, "older.json")
    older, whole = found
    return Undisturbed(world, whole, MANIFEST.read_bytes(), older)


@pytest.mark.parametrize(
    ("older", "stride"), [(True, 2), (False, 5)], ids=["an older output", "no output before"]
)
def test_a_step_killed_before_any_change_of_the_disk_does_no_harm(undisturbed, older, stride):
    moment = 0
    for moment in range(0, 500, stride):
        undisturbed.begin(older)
        status = ended(child(undisturbed.world, STAGE, dying_at(moment)))
        if status == 0:
            break
        assert status == -signal.SIGKILL, moment
        undisturbed.check(older)
    assert 20 < moment < 499


def test_a_step_killed_at_any_time_does_no_harm(undisturbed):
    undisturbed.begin(older=False)
    start = time.perf_counter()
    assert ended(child(undisturbed.world, STAGE)) == 0
    length = time.perf_counter() - start
    rng = random.Random(0)
    killed = 0
    while killed < 20:
        older = bool(killed % 2)
        undisturbed.begin(older)
        pid = child(undisturbed.world, STAGE)
        time.sleep(length * rng.random())
        os.kill(pid, signal.SIGKILL)
        if ended(pid) == -signal.SIGKILL:
            killed += 1
        else:
            length *= 0.8  # it came to its end first: the machine is less busy now
        undisturbed.check(older)


def test_of_two_at_once_the_second_is_refused_and_the_first_ends_well(undisturbed):
    undisturbed.begin(older=False)

    def stop_before_the_rename(event, words):
        if event == "os.rename" and str(words[1]).endswith(OUT.name):
            os.kill(os.getpid(), signal.SIGSTOP)

    first = child(undisturbed.world, STAGE, stop_before_the_rename)
    assert os.WIFSTOPPED(os.waitpid(first, os.WUNTRACED)[1])
    second = child(undisturbed.world, STAGE)
    assert ended(second) == 1
    said = Path(f"said.{second}").read_text()
    holder = f"process {first} on {os.uname().nodename}"
    assert said == f"Error: {OUT}: locked by {holder}, which is writing it\n"
    assert not OUT.exists()
    os.kill(first, signal.SIGCONT)
    assert ended(first) == 0
    assert (accepted(), MANIFEST.read_bytes()) == (undisturbed.whole, undisturbed.manifest)


def test_many_at_once_leave_one_whole_output(undisturbed):
    undisturbed.begin(older=False)
    statuses = [ended(pid) for pid in [child(undisturbed.world, STAGE) for _ in range(4)]]
    assert set(statuses) <= {0, 1}
    assert 0 in statuses
    assert (accepted(), MANIFEST.read_bytes()) == (undisturbed.whole, undisturbed.manifest)


def test_a_step_that_is_asked_to_stop_leaves_nothing_of_its_own(undisturbed):
    undisturbed.begin(older=False)

    def ask(event, words):
        if event == "os.rename" and "labelled" in str(words[1]):
            os.kill(os.getpid(), signal.SIGTERM)

    assert ended(child(undisturbed.world, STAGE, ask)) == 143
    assert [path for path in OUT.parent.iterdir() if "sample" in path.name] == []
