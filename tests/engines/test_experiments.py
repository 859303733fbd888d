"""Experiments, a remote, and the commands that keep house; on the small graph."""

import fcntl

import pytest
import small_graph
from checkout import Checkout, stages_run
from small_graph import computed


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """A finished run, committed."""
    checkout = small_graph.make(tmp_path_factory.mktemp("experiments") / "it")
    checkout.dvc("repro")
    computed(checkout)
    checkout.commit_first()
    return checkout


@pytest.fixture
def done(committed, tmp_path):
    return committed.copy(tmp_path / "it")


def output(checkout):
    return (checkout.path / "results/last/edits.json").read_text()


def make(checkout, *words):
    return checkout.says("make", *words)


def test_a_snakemake_run_is_an_experiment_that_computes_only_what_changed(done):
    before = output(done)
    said = make(done, "exp", "NAME=strong", "SET=left.strength=3", "SNAKEMAKE=--cores 2")
    assert stages_run(said) == ["last", "left"]
    assert "strong is an experiment now" in said
    assert list((done.path / ".experiments").iterdir()) == []
    assert output(done) == before  # nobody touched the workspace
    assert "strong" in make(done, "exps")
    assert "left.strength" in done.dvc("exp", "diff", "strong")
    done.dvc("exp", "apply", "strong")
    assert "strength: 3" in (done.path / "params.yaml").read_text()
    assert output(done) != before
    assert "Nothing to be done" in done.snakemake("-n")
    assert stages_run(done.dvc("repro")) == []


def test_the_same_command_goes_on_where_an_experiment_was_interrupted(done):
    words = ("exp", "NAME=again", "SET=first.seed=1", "SNAKEMAKE=--cores 1")
    place = done.path / ".experiments/again"
    done.append(".gitignore", "kill_at\nparts.log\n")
    done.git("commit", "--quiet", "--all", "--message", "two")
    (done.path / "steps/last.py").write_text("raise SystemExit('Error: no ink')\n")
    done.git("commit", "--quiet", "--all", "--message", "three")
    said = make(done, *words)
    assert "the same command goes on" in said
    assert computed(Checkout(place))[:4] == ["first a", "first b", "first c", "first d"]
    (place / "steps/last.py").write_text((done.path / "steps/left.py").read_text())
    said = make(done, *words)
    assert "again is an experiment now" in said
    assert stages_run(said) == ["last"]


def test_an_experiment_that_is_at_work_is_left_alone(done):
    (done.path / ".smk").mkdir(exist_ok=True)
    with (done.path / ".smk/experiment.strong").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        said = done.fails("make", "exp", "NAME=strong", "SET=left.strength=3")
    assert "Error: strong is at work; wait for its end, or give this one another name" in said
    assert not (done.path / ".experiments").exists()


def test_an_experiment_that_was_killed_while_it_was_made_uses_the_cache_all_the_same(done):
    done.git("worktree", "add", "--quiet", "--detach", ".experiments/strong", "HEAD")
    said = make(done, "exp", "NAME=strong", "SET=left.strength=3", "SNAKEMAKE=--cores 2")
    assert stages_run(said) == ["last", "left"]
    assert "strong is an experiment now" in said


def test_a_grid_with_a_point_that_failed_has_failed(done):
    (done.path / "steps/last.py").write_text("raise SystemExit('Error: no ink')\n")
    done.git("commit", "--quiet", "--all", "--message", "two")
    said = done.fails("make", "grid", "SET=left.strength=4", "JOBS=1")
    assert "Error: failed, as listed: dvc queue logs NAME" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("exp",), "Error: an experiment needs a name and values: make exp NAME="),
        (("exp", "NAME=a", "SET=left.strenth=3"), "Error: left.strenth=3: "),
        (("exp", "NAME=a", "SET=3"), "Error: an experiment needs a name and values: "),
    ],
)
def test_a_mistake_in_an_experiment_is_one_line_and_leaves_nothing(done, words, said):
    heard = make(done, *words)
    assert said in heard
    assert "Traceback" not in heard
    assert not (done.path / ".experiments/a").exists()


def test_an_experiment_is_the_last_commit_and_says_so_where_there_are_changes(done):
    done.append("steps/left.py", "# a comment\n")
    said = make(done, "exp", "NAME=a", "SET=left.strength=3")
    assert "Error: steps/left.py is not committed; an experiment is the last commit's" in said


def test_a_grid_is_one_command_and_computes_what_is_common_once(done):
    said = make(done, "grid", "SET=left.strength=4,5 first.seed=0", "JOBS=1")
    assert stages_run(said) == ["last", "last", "left", "left"]
    shown = make(done, "exps")
    assert len([row for row in shown.splitlines() if "─" in row]) == 2
    assert "left.strength" in shown
    assert "left.strength" not in make(done, "exps", "DROP=left")


def test_after_push_clone_and_pull_neither_engine_has_anything_to_do(done, tmp_path):
    done.dvc("remote", "add", "--quiet", "--default", "store", str(tmp_path / "store"))
    done.dvc("push", "--quiet")
    done.git("commit", "--quiet", "--all", "--message", "remote")
    done.git("clone", "--quiet", str(done.path), str(tmp_path / "clone"))
    clone = Checkout(tmp_path / "clone")
    clone.dvc("pull", "--quiet")
    assert output(clone) == output(done)
    assert stages_run(clone.dvc("repro")) == []
    assert "Nothing to be done" in clone.snakemake("-n")
    assert computed(clone) == []


def test_gc_says_what_it_would_free_and_does_nothing_without_a_yes(done):
    said = done.dvc("exp", "run", "--name", "kept", "--set-param", "left.strength=3")
    assert stages_run(said) == ["last", "left"]
    done.change({"left.strength": 9})
    done.dvc("repro")
    done.git("checkout", "--quiet", ".")
    done.dvc("checkout", "--quiet")
    said = make(done, "gc")
    assert "in 4 files of no commit, no experiment, not in use here" in said  # of left and last
    assert "Nothing was removed." in said
    assert "in 4 files" in make(done, "gc", "YES=1")
    assert " in 0 files" in make(done, "gc")
    done.dvc("exp", "apply", "kept")
    assert "up to date" in done.dvc("status")


def test_status_says_what_would_run_and_why(done):
    assert "0 of 4 stages would run" in make(done, "status")
    done.change({"left.strength": 2})
    lines = make(done, "status").splitlines()
    assert lines[0] == "2 of 4 stages would run, under DVC and Snakemake alike."
    assert lines[1].split(maxsplit=1) == ["left", "--strength 2, was 1"]
    assert lines[2].split() == ["last", "rests", "on", "left"]
    assert lines[3].startswith("On the disk: results ")
