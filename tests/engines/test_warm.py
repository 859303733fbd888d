"""The warm process that steps are forks of: used where it is, missed by nobody where it is not."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from checkout import BIN, Checkout, begin, wait_for

from steps.making import warm

STEP = """
from __future__ import annotations
import time
from pathlib import Path
from artifact_units.files.storage import write_text
from steps.making.command import input_path, output_path, say, step
from steps.making.parameters import Run, SampleGenerations

@step(SampleGenerations, run=True)
@input_path("given", "Read.")
@output_path("out", "Written.")
def main(given, out, params, run):
    name = out.name
    Path(f"begun.{name}").write_text(Path("/proc/self/cmdline").read_text())
    wait_for_it = lambda: "@artifact-units" in Path("/proc/net/unix").read_text()
    for _ in range(600):
        if Path(f"go.{name}").exists() or (name == "first" and wait_for_it()):
            break
        time.sleep(0.05)
    write_text(out, given.read_text() + name)
    say(f"wrote {name}")

if __name__ == "__main__":
    main()
"""
STAGE = """
  {name}:
    cmd: >-
      python -m steps.{name} --given {given} --out results/{name}/{name}
      ${{sample_generations}} ${{run}}
    deps: [{given}]
    outs: [results/{name}/{name}, results/{name}/{name}.manifest.json]
"""
KILLS = 40


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    checkout = Checkout.make(tmp_path_factory.mktemp("start") / "it", {}, stand_ins=False)
    shutil.rmtree(checkout.path / "demo")
    for name in ("first", "second"):
        (checkout.path / f"steps/{name}.py").write_text(STEP)
    graph = "stages:" + STAGE.format(name="first", given="given")
    graph += STAGE.format(name="second", given="results/first/first")
    (checkout.path / "dvc.yaml").write_text(graph)
    (checkout.path / "given").write_text("abc")
    return checkout


@pytest.fixture
def run(start, tmp_path):
    """A run whose first stage is done and whose second waits; nothing may be left of it."""
    checkout = start.copy(tmp_path / "it")
    process = begin(checkout, "begun.second")
    yield checkout, process
    (checkout.path / "go.second").touch()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
    wait_for(lambda: of(checkout) == {})


def of(checkout):
    """The processes at work in a checkout but DVC: pid -> (its words, its parent)."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_text().split("\0")
            if (place / "cwd").resolve() == checkout.path and "-m" in words[:3]:
                parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
                found[int(place.name)] = (words, parent)
        except OSError:
            continue
    return found


def parts(checkout):
    """The warm process, the step that asked, what waits for the fork, the fork: by these names."""
    found = of(checkout)
    serving = {pid: parent for pid, (words, parent) in found.items() if "--serve" in words}
    (server,) = (pid for pid, parent in serving.items() if parent not in serving)
    (waiting,) = (pid for pid, parent in serving.items() if parent == server)
    (fork,) = (pid for pid, parent in serving.items() if parent == waiting)
    (asking,) = (pid for pid, (words, _) in found.items() if "steps.second" in words)
    return {"warm": server, "asking": asking, "waiting": waiting, "fork": fork}


def text(checkout):
    return (checkout.path / "results/second/second").read_text()


def test_a_later_step_is_a_fork_and_says_and_ends_as_it_would_alone(run):
    checkout, process = run
    assert "--serve" not in (checkout.path / "begun.first").read_text()
    assert "--serve" in (checkout.path / "begun.second").read_text()
    (checkout.path / "go.second").touch()
    said = process.communicate()[0]
    assert process.returncode == 0, said
    assert "second: wrote second" in said
    assert text(checkout) == "abcfirstsecond"


def test_a_step_that_fails_in_a_fork_fails_the_run_with_its_line(run):
    checkout, process = run
    (checkout.path / "results/first/first").write_text("another")
    (checkout.path / "go.second").touch()
    said = process.communicate()[0]
    assert process.returncode != 0
    assert "Error: results/first/first: has sha256" in said or "changed while the stage" in said
    assert "Traceback" not in said


def test_where_the_warm_process_is_killed_its_fork_goes_on(run):
    checkout, process = run
    os.kill(parts(checkout)["warm"], signal.SIGKILL)
    (checkout.path / "go.second").touch()
    assert process.wait(60) == 0
    assert text(checkout) == "abcfirstsecond"


@pytest.mark.parametrize("victim", ["asking", "waiting", "fork"])
def test_where_a_part_of_a_step_is_killed_the_step_fails_and_runs_again(run, victim):
    checkout, process = run
    os.kill(parts(checkout)[victim], signal.SIGKILL)
    assert process.wait(60) != 0
    assert not (checkout.path / "results/second/second").exists()
    (checkout.path / "go.second").touch()
    checkout.dvc("repro")
    assert text(checkout) == "abcfirstsecond"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_step_is_heard_by_its_fork(run, number):
    checkout, process = run
    os.kill(parts(checkout)["asking"], number)
    said = process.communicate(timeout=60)[0]
    assert process.returncode != 0
    assert "Traceback" not in said
    assert list((checkout.path / "results/second").glob("[!.]*")) == []


def test_ctrl_c_ends_all(run):
    checkout, process = run
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) != 0
    wait_for(lambda: of(checkout) == {})


@pytest.mark.slow
def test_nothing_is_left_and_nothing_lost_whatever_is_killed(start, tmp_path):
    stream = random.Random(0)
    checkout = start.copy(tmp_path / "it")
    for round_ in range(KILLS):
        (checkout.path / "given").write_text(str(round_))
        for name in ("begun.second", "go.second"):
            (checkout.path / name).unlink(missing_ok=True)
        dvc = checkout.start(str(BIN / "dvc"), "repro")
        victim = ("warm", "asking", "waiting", "fork", "dvc")[round_ % 5]
        wait_for((checkout.path / "begun.second").exists)
        time.sleep(stream.random() * 0.1)
        os.kill(dvc.pid if victim == "dvc" else parts(checkout)[victim], signal.SIGKILL)
        (checkout.path / "go.second").touch()
        dvc.wait(60)
        wait_for(lambda: of(checkout) == {})
        checkout.runs("python", "-m", "workflow.mend")
        checkout.dvc("repro")
        assert text(checkout) == f"{round_}firstsecond", victim
    assert "up to date" in checkout.dvc("status")


def test_a_process_of_another_user_is_not_believed(tmp_path):
    code = (
        "import os, socket, sys, time; os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
        "s.bind('\\0artifact-units-test'); s.listen(); print('ready', flush=True); time.sleep(30)"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect("\0artifact-units-test")
            assert not warm._is_mine(connection)
    finally:
        other.kill()
        other.communicate()
