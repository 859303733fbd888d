"""kill -9 at any moment, of an engine alone or with all its jobs: the plain command recovers."""

import os
import random
import signal
import subprocess
import time

import pytest
import small_graph
from checkout import stages_run
from ruamel.yaml import YAML
from small_graph import ONCE, computed

KILLS = 20
ENGINES = {"dvc": ("dvc", "repro"), "snakemake": ("snakemake", "--cores", "2")}

# A job that is killed in the middle of its n-th call of a writer: OWNER NAME N STAGE.
KILLED_AMID = """
import os, pkgutil, runpy, signal, sys
owner, name, left = pkgutil.resolve_name(sys.argv[1]), sys.argv[2], int(sys.argv[3])
plain = getattr(owner, name)
def amid(*values, **options):
    global left
    left -= 1
    if left:
        return plain(*values, **options)
    values[-1].write("{")
    values[-1].flush()
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, amid)
sys.argv[1:] = sys.argv[4:]
runpy.run_module("workflow.jobs", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return small_graph.make(tmp_path_factory.mktemp("kills") / "it")


@pytest.fixture(scope="module")
def undisturbed(by_dvc):
    """What a run leaves that nobody kills."""
    return left_by(by_dvc)


def left_by(checkout):
    """The record, whose stages stand in any order, and every output."""
    record = YAML(typ="safe").load(checkout.path / "dvc.lock")
    return record, [file.read_bytes() for file in sorted(checkout.path.glob("results/*/*.json"))]


def killed(checkout, words, seconds, whole_group):
    """Start a command and kill it after so many seconds; False where it had ended before."""
    process = checkout.start(*words)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        if whole_group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        return True
    return False


def recover(checkout, engine):
    """The plain command; DVC does not mend itself what it has left torn."""
    if engine == "dvc":
        checkout.says("make", "mend")
    return checkout.says(*ENGINES[engine])


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_killed_at_any_moment_is_ended_by_the_plain_command(
    engine, start, undisturbed, tmp_path
):
    began = time.monotonic()
    checkout = start.copy(tmp_path / "whole")
    checkout.says(*ENGINES[engine])
    span = time.monotonic() - began
    moments = random.Random(0)
    kills, rounds = 0, 0
    while kills < KILLS:
        rounds += 1
        checkout = start.copy(tmp_path / str(rounds))
        # Each start finds what the killed ones before it have left, and so gets further.
        while kills < KILLS:
            moment = moments.uniform(0.1, 0.6) * span
            if not killed(checkout, ENGINES[engine], moment, whole_group=kills % 2 == 0):
                span *= 0.8  # it came to its end first: the machine is less busy now
                break
            kills += 1
        said = recover(checkout, engine)
        assert left_by(checkout) == undisturbed, said
    assert "Nothing to be done" in checkout.snakemake("-n")
    assert "up to date" in checkout.dvc("status")


@pytest.mark.parametrize(
    ("file", "left"), [(".dvc/tmp/rwlock", '{"read": {'), ("dvc.lock", ""), ("dvc.lock", "a: {")]
)
def test_what_a_kill_has_torn_is_named_and_mended(file, left, done, undisturbed):
    (done.path / file).parent.mkdir(parents=True, exist_ok=True)
    (done.path / file).write_text(left)
    said = done.fails("dvc", "repro")
    assert file in said
    assert "Traceback" not in said
    assert f"{file} was torn by a kill and is taken away." in done.says("make", "mend")
    assert stages_run(done.dvc("repro")) == []
    assert left_by(done) == undisturbed


def test_a_record_with_a_merge_conflict_is_left_to_whoever_merged(done):
    record = "schema: '2.0'\n<<<<<<< HEAD\nstages: {}\n=======\nstages: {a: 1}\n>>>>>>> b\n"
    (done.path / "dvc.lock").write_text(record)
    said = done.fails("make", "mend")
    assert "Error: dvc.lock holds a merge conflict; git checkout --ours dvc.lock" in said
    assert (done.path / "dvc.lock").read_text() == record


@pytest.mark.parametrize("call", ["json dump 1", "json dump 2", "ruamel.yaml:YAML dump 2"])
def test_a_job_killed_while_dvc_writes_tears_nothing(call, start, tmp_path):
    checkout = start.copy(tmp_path / "it")
    checkout.dvc("repro", "first")
    record = (checkout.path / "dvc.lock").read_text()
    said = checkout.fails("python", "-c", KILLED_AMID, *call.split(), "left")
    assert (checkout.path / "dvc.lock").read_text() == record
    assert list(checkout.path.rglob(".*.part")), said  # it was in the midst of writing
    assert stages_run(checkout.runs("python", "-m", "workflow.jobs", "right")) == ["right"]


def test_a_second_snakemake_leaves_the_first_alone(start, undisturbed, tmp_path):
    checkout = start.copy(tmp_path / "it")
    first = held_at_left(checkout)
    said = checkout.fails(*ENGINES["snakemake"])
    assert "another Snakemake is at work in this checkout; wait for its end" in said
    assert "a Snakemake is at work here" in checkout.fails("make", "clean")
    (checkout.path / "hold_at").unlink()
    assert first.wait() == 0
    assert left_by(checkout) == undisturbed


def test_after_a_killed_snakemake_the_next_waits_for_the_jobs_that_it_left(
    start, undisturbed, tmp_path
):
    checkout = start.copy(tmp_path / "it")
    first = held_at_left(checkout)
    first.kill()
    first.wait()
    second = checkout.start(*ENGINES["snakemake"])
    time.sleep(1)  # it may wait already, or not be there yet: either way it ends well
    (checkout.path / "hold_at").unlink()
    assert second.wait() == 0
    assert left_by(checkout) == undisturbed
    assert computed(checkout) == ONCE


def held_at_left(checkout):
    """A Snakemake in the midst of the stage left, which waits for hold_at to go."""
    (checkout.path / "hold_at").write_text("left b")
    running = checkout.start(*ENGINES["snakemake"])
    log = checkout.path / "parts.log"
    while running.poll() is None and not (log.exists() and "left b" in log.read_text()):
        time.sleep(0.05)
    return running
