"""What a step owes DVC, under a real DVC, on a stage that waits until a test lets it go on."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import Checkout, begin, wait_for

from steps.making import engine

STEP = """
from __future__ import annotations
import time
from pathlib import Path
from artifact_units.files.storage import write_text
from steps.making.command import input_path, output_path, step
from steps.making.parameters import SampleGenerations

@step(SampleGenerations)
@input_path("given", "Read.")
@output_path("out", "Written.")
def main(given, out, params):
    Path("begun").touch()
    for _ in range(1200):
        if Path("go").exists():
            break
        time.sleep(0.05)
    write_text(out, given.read_text())

if __name__ == "__main__":
    main()
"""
GRAPH = """
stages:
  fingerprint_code:
    cmd: python -m steps.fingerprint_code --params params.yaml --out results/fingerprint_code
    deps: [artifact_units, steps, params.yaml]
    outs: [results/fingerprint_code, results/fingerprint_code.manifest.json]
  slow@NAME@:
    cmd: @BEFORE@python -m steps.slow --given given --out results/slow/out ${sample_generations}
    deps: [given, results/fingerprint_code/slow]
    outs: [results/slow/out, results/slow/out.manifest.json]
"""


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    checkout = Checkout.make(tmp_path_factory.mktemp("start") / "it", {}, stand_ins=False)
    (checkout.path / "steps/slow.py").write_text(STEP)
    (checkout.path / "given").write_text("abc")
    shutil.rmtree(checkout.path / "demo")
    return checkout


@pytest.fixture
def slow(start, tmp_path):
    """A checkout of one stage, and no process left of it."""
    checkout = start.copy(tmp_path / "it")
    (checkout.path / "dvc.yaml").write_text(graph())
    yield checkout
    (checkout.path / "go").touch()


def graph(before="", name=""):
    return GRAPH.replace("@BEFORE@", before).replace("@NAME@", name)


def end(checkout, process):
    (checkout.path / "go").touch()
    return process.communicate(timeout=60)[0]


def steps_in(group):
    """The processes of a process group that run the step."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "-s", str(group)], capture_output=True, text=True, check=False
    )
    return [line for line in listed.stdout.splitlines() if "-m steps.slow" in line]


def put(checkout, file, old, new):
    text = (checkout.path / file).read_text()
    assert old in text
    (checkout.path / file).write_text(text.replace(old, new))


def outputs(checkout):
    return sorted(path.name for path in (checkout.path / "results/slow").glob("[!.]*"))


def test_an_undisturbed_stage_ends_well_and_needs_nothing_more(slow):
    said = end(slow, begin(slow, "begun"))
    assert "dvc push" in said or "Updating lock file" in said
    assert outputs(slow) == ["out", "out.manifest.json"]
    assert "up to date" in slow.dvc("status")


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("steps/slow.py", "1200", "1201", "the code of slow"),
        ("artifact_units/files/storage.py", "os.replace(", "os.rename(", "the code of slow"),
        ("given", "abc", "abd", "given"),
    ],
)
def test_a_result_of_what_has_changed_since_does_not_appear(slow, file, old, new, named):
    process = begin(slow, "begun")
    put(slow, file, old, new)
    said = end(slow, process)
    assert process.returncode != 0
    line = next(line for line in said.splitlines() if line.startswith("Error: "))
    assert named in line
    assert "changed while the stage ran" in line
    assert outputs(slow) == []
    assert "slow" not in (slow.path / "dvc.lock").read_text()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("params.yaml", "  heldout: 1000", "  heldout: 999"),  # the next run is on that
        ("artifact_units/layers/edits.py", "!=", "=="),  # not run by this one
        ("artifact_units/files/storage.py", "sync, rename", "rename, sync"),  # a docstring
    ],
)
def test_a_change_that_the_stage_does_not_rest_on_stops_nothing(slow, file, old, new):
    process = begin(slow, "begun")
    put(slow, file, old, new)
    end(slow, process)
    assert process.returncode == 0
    assert outputs(slow) == ["out", "out.manifest.json"]


def test_the_record_holds_the_values_that_the_step_was_given(slow):
    process = begin(slow, "begun")
    put(slow, "params.yaml", "  heldout: 1000", "  heldout: 999")
    end(slow, process)
    assert "--heldout 1000" in (slow.path / "dvc.lock").read_text()
    assert "slow:\n\tchanged command" in slow.dvc("status")


@pytest.mark.parametrize(
    "before", ["", "true; ", "exec sh -c 'true; exec bash -c \"true; ", "cat x | "]
)
def test_a_step_ends_with_the_dvc_that_started_it(slow, before):
    if before.startswith("exec"):
        text = graph(before).replace("${sample_generations}", "${sample_generations}\"'")
    else:
        text = graph(before)
    (slow.path / "dvc.yaml").write_text(text)
    process = begin(slow, "begun")
    assert steps_in(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: not steps_in(process.pid))
    process.communicate()
    assert list((slow.path / "results/slow").iterdir()) == []
    (slow.path / "go").touch()
    slow.dvc("repro")
    assert (slow.path / "results/slow/out").read_text() == "abc"


def test_a_step_that_a_person_starts_owes_no_engine_anything(slow):
    environment = {**os.environ, "PYTHONPATH": str(slow.path)}
    (slow.path / "go").touch()
    line = "--given given --out o --labelled 1 --unlabelled 1 --heldout 1"
    done = subprocess.run(
        [sys.executable, "-m", "steps.slow", *line.split()],
        cwd=slow.path,
        env=environment,
        check=False,
    )
    assert done.returncode == 0


def test_no_engine_is_seen_where_none_started_the_tests(monkeypatch):
    monkeypatch.delenv("DVC_STAGE", raising=False)
    assert engine.started_by() is None
    assert Path("/proc/self/environ").exists()
