"""Shards share a stage's parts among jobs, and change nothing else."""

import re
import shutil

import pytest
import small_graph
from ruamel.yaml import YAML
from small_graph import ONCE, computed

from workflow.graph import read_graph


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return small_graph.make(tmp_path_factory.mktemp("small") / "it")


@pytest.fixture(scope="module")
def by_dvc(by_dvc):
    assert computed(by_dvc) == ONCE
    return by_dvc


@pytest.fixture
def fresh(start, tmp_path):
    return start.copy(tmp_path / "it")


def lock(checkout):
    return YAML(typ="safe").load(checkout.path / "dvc.lock")


def jobs(said):
    """How many jobs of each rule Snakemake would run."""
    return {name: int(count) for name, count in re.findall(r"^(\w+)  +(\d+)$", said, re.M)}


def test_shards_change_no_byte_of_the_record_and_every_part_is_computed_once(fresh, by_dvc):
    fresh.snakemake("--config", "shards=3")
    assert computed(fresh) == ONCE
    assert lock(fresh) == lock(by_dvc)
    assert list((fresh.path / ".shards").iterdir()) == []


def test_after_a_killed_shard_only_what_is_missing_is_computed(fresh, by_dvc):
    (fresh.path / "kill_at").write_text("left d")  # of shard 1: b, d; shard 0: a, c
    said = fresh.fails("snakemake", "--cores", "1", "--keep-going", "--config", "shards=2")
    assert "shard_left" in said
    assert set(computed(fresh)) & {"left a", "left b", "left c"} == {"left a", "left b", "left c"}
    waiting = jobs(fresh.snakemake("-n", "--config", "shards=2"))
    assert (waiting["shard_left"], "shard_first" in waiting) == (1, False)
    fresh.snakemake("--config", "shards=2")
    assert computed(fresh) == ["last a", "last b", "last c", "last d", "left d"]
    assert lock(fresh) == lock(by_dvc)


def test_the_parts_of_other_parameters_are_never_taken(fresh, by_dvc, tmp_path):
    (fresh.path / "kill_at").write_text("left d")
    fresh.fails("snakemake", "--cores", "1", "--config", "shards=2", "--", "left")
    assert computed(fresh)[-3:] == ["left a", "left b", "left c"]
    plain = by_dvc.copy(tmp_path / "plain")
    for checkout in (fresh, plain):
        checkout.change({"left.strength": 2})
    fresh.snakemake("--config", "shards=2", "--", "left")
    assert computed(fresh) == ["left a", "left b", "left c", "left d"]
    plain.dvc("repro", "--single-item", "left")
    outputs = [c.path / "results/left/edits.json" for c in (fresh, plain)]
    assert outputs[0].read_text() == outputs[1].read_text()


# Parameters that change while the job waits for DVC's lock.
LATE = """
import sys
from pathlib import Path
from workflow import jobs
dvc = jobs.run_dvc
def late(*words):
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("strength: 1", "strength: 2"))
    return dvc(*words)
jobs.run_dvc = late
jobs.run("left")
"""


def test_the_parts_of_parameters_that_changed_while_the_job_waited_are_not_taken(
    fresh, by_dvc, tmp_path
):
    (fresh.path / "kill_at").write_text("left d")
    fresh.fails("snakemake", "--cores", "1", "--config", "shards=2", "--", "left")
    assert computed(fresh)[-3:] == ["left a", "left b", "left c"]
    fresh.runs("python", "-c", LATE)
    plain = by_dvc.copy(tmp_path / "plain")
    plain.change({"left.strength": 2})
    plain.dvc("repro", "--single-item", "left")
    outputs = [c.path / "results/left/edits.json" for c in (fresh, plain)]
    assert outputs[0].read_text() == outputs[1].read_text()


def test_another_number_of_shards_makes_nothing_stale(done):
    said = done.snakemake("-n", "--config", "shards=5")
    assert "Nothing to be done" in said
    assert "profile profiles/default" in said  # found without being named


def test_a_lost_output_that_is_in_the_cache_is_computed_by_no_shard(done):
    shutil.rmtree(done.path / "results/left")
    done.snakemake("--config", "shards=2")
    assert (computed(done), lock(done)) == ([], lock(done))
    assert (done.path / "results/left/edits.json").exists()


def test_stages_in_parts_have_shards_and_ask_for_the_same_with_and_without(done):
    """A stage that gathers computes what its shards left undone, so it needs what they need."""
    jobs = {job.name: job for job in read_graph(2)}
    assert {name for name, job in jobs.items() if job.shards} == {"first", "left"}
    alone = next(job for job in read_graph() if job.name == "left")
    assert alone.shards == 0
    assert jobs["left"].resources == alone.resources == {"gpu": 1, "mem_mb": 10}


@pytest.mark.parametrize("given", ["shards=many", "shards=0", "layer=1"])
def test_nothing_but_a_number_of_shards_is_taken_from_the_command_line(done, given):
    said = done.fails("snakemake", "--cores", "1", "-n", "--config", given)
    assert "change in params.yaml" in said


def test_snakemakes_linter_finds_nothing_but_that_no_container_is_named(done):
    findings = re.findall(r"^ +\* (.*?):?$", done.says("snakemake", "--lint"), re.M)
    assert set(findings) == {"Specify a conda environment or container for each rule."}
