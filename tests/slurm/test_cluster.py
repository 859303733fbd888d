"""The graph on a real Slurm: munge, slurmctld and two slurmd with two GPUs each, on this machine.

One run of stand-in steps, in which one job is killed, one is requeued and one meets its time
limit, all three while they write; beside it a run whose sampling is cut into shards. What is then
asked, the scheduler answers: who ran where, with which GPU, how often, and how it ended.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from checkout import ENVIRONMENT, Checkout, stages_run
from ruamel.yaml import YAML

from workflow.graph import Job, read_graph

CLUSTER = Path(__file__).with_name("cluster.sh")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
PROFILE = "workflow/profiles/slurm"
OWN = {
    "inputs": {
        "generator": "generator.safetensors",
        "reals": "images",
        "labels": "labels.jsonl",
        "truth": "params/no_truth",
    },
    "extract_features.weights": "generator.safetensors",
    "fit_corrections.corrections": {
        "none": {"ranking": "random", "corrector": "ablation", "layer": "layer4", "n": 0},
    },
    "export_generator.edits": "results/fit_corrections/none/edits.json",
}
KILLED, REQUEUED, LATE = "train_classifier", "collect_featuremaps", "export_generator"
SHARDED = "sample_generations"
PATIENCE = 600  # seconds, for what takes one minute where nothing else runs
pytestmark = [pytest.mark.slow, pytest.mark.timeout(6 * PATIENCE)]
Run = subprocess.Popen[bytes]

# Goes before a stand-in: notes where it runs and what it was given. Where a file named after it
# lies in logs/hold, it half writes its output the first time, as steps do (whole_file), and waits.
PRELUDE = """
import json, os, subprocess, sys, time
from pathlib import Path
from artifact_units.files.storage import whole_file

names = ("SLURM_JOB_ID", "SLURMD_NODENAME", "CUDA_VISIBLE_DEVICES", "SITE_MODULES")
seen = {name: os.environ.get(name) or "" for name in names}
if seen["SLURM_JOB_ID"]:
    asked = ["scontrol", "--details", "show", "job", seen["SLURM_JOB_ID"]]
    seen["job"] = subprocess.run(asked, capture_output=True, text=True).stdout
Path("logs/seen", f"{time.time_ns()}.{os.getpid()}.json").write_text(json.dumps(seen))
step = Path(sys.argv[0]).stem
writing = Path("logs/writing") / step
if Path("logs/hold", step).exists() and not writing.exists():
    with whole_file(Path("results") / step / "half") as half:
        half.write_text("half")
        writing.touch()
        while True:
            time.sleep(1)
"""


@dataclass(frozen=True)
class Record:
    """What Slurm says of a job."""

    id: str
    rule: str
    state: str
    node: str
    gpus: int  # requested; what is allocated it says only while a job runs
    restarts: int
    minutes: int  # since its start


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[None]:
    if lacking := _lacking():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacking)
    folder = tmp_path_factory.mktemp("cluster")
    # Its standard input ends with this process, however that ends: then the cluster goes too.
    with subprocess.Popen(
        [CLUSTER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as up:
        assert up.stdin is not None
        assert up.stdout is not None
        assert up.stdout.readline() == b"up\n", f"see the logs in {folder}"
        yield
        up.stdin.close()
    assert not Path("/etc/slurm/slurm.conf").is_symlink()


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Checkout:
    path = tmp_path_factory.mktemp("slurm") / "it"
    checkout = Checkout.make(path, OWN, stand_ins=True)
    for name in ("generator.safetensors", "images", "labels.jsonl"):
        (path / name).touch()
    for step in path.glob("steps/*.py"):
        if "Stands in for a step" in (text := step.read_text(encoding="utf-8")):
            step.write_text(PRELUDE + text, encoding="utf-8")
    for folder in ("hold", "seen", "writing"):
        (path / "logs" / folder).mkdir(parents=True)
    _settle_in(path)
    return checkout


@pytest.fixture(scope="module")
def by_dvc(start, tmp_path_factory) -> Checkout:
    checkout = start.copy(tmp_path_factory.mktemp("slurm_dvc") / "it")
    checkout.dvc("repro")
    return checkout


@pytest.fixture(scope="module")
def runs(cluster, start, tmp_path_factory) -> tuple[Checkout, Checkout]:
    """The whole graph, disturbed three times, and sampling in two shards; both ended well."""
    whole, sharded = (start.copy(tmp_path_factory.mktemp("slurm_run") / "it") for _ in range(2))
    for step in (KILLED, REQUEUED, LATE):
        (whole.path / "logs/hold" / step).touch()
    with _snakemake(sharded.path, "--config", "shards=2", "--", SHARDED) as sampling:
        # Both nodes are idle until then, and Slurm takes the idler one.
        _until(lambda: len(_of(sharded.path, f"shard_{SHARDED}")) == 2, sampling)
        with _snakemake(whole.path) as run:
            _disturb(whole.path, run)
            assert [run.wait(PATIENCE), sampling.wait(PATIENCE)] == [0, 0]
    return whole, sharded


@pytest.fixture(scope="module")
def by_slurm(runs) -> Checkout:
    return runs[0]


@pytest.fixture
def jobs(by_slurm, monkeypatch) -> list[Job]:
    monkeypatch.chdir(by_slurm.path)
    return list(read_graph())


def test_every_stage_ran_on_a_node(by_slurm, jobs):
    records = _records(by_slurm.path)
    done = {record.rule: record.node for record in records if record.state == "COMPLETED"}
    assert set(done) == {job.name for job in jobs}
    assert set(done.values()) == {"gpu1", "gpu2"}


def test_those_that_ask_for_a_gpu_get_one_and_no_other_does(by_slurm, jobs):
    asked = {job.name: job.resources.get("gpu", 0) for job in jobs}
    assert set(asked.values()) == {0, 1}
    assert {record.rule: record.gpus for record in _records(by_slurm.path)} == asked


def test_a_step_sees_the_gpu_that_its_job_was_given_and_no_other(by_slurm, jobs):
    seen = _seen(by_slurm.path)
    assert len(seen) >= len(jobs) - 1  # all but check_params, which is no stand-in
    for step in seen:
        assert step["SLURMD_NODENAME"] in {"gpu1", "gpu2"}
        allocated = re.findall(r" GRES=gpu[^ ]*:1\(IDX:(\d)\)", step["job"])
        assert allocated == [gpu for gpu in [step["CUDA_VISIBLE_DEVICES"]] if gpu]
    assert {step["CUDA_VISIBLE_DEVICES"] for step in seen} >= {"", "0"}


def test_what_the_site_puts_before_a_job_reaches_the_step(by_slurm):
    assert {step["SITE_MODULES"] for step in _seen(by_slurm.path)} == {"loaded"}


def test_a_killed_job_is_tried_again(by_slurm):
    assert [record.state for record in _of(by_slurm.path, KILLED)] == ["CANCELLED", "COMPLETED"]


def test_a_requeued_job_starts_again_as_itself(by_slurm):
    (record,) = _of(by_slurm.path, REQUEUED)
    assert (record.state, record.restarts) == ("COMPLETED", 1)


def test_a_job_is_told_to_end_before_its_time_limit_and_is_tried_again(by_slurm):
    # A job that ends only when its time is up is TIMEOUT.
    assert [record.state for record in _of(by_slurm.path, LATE)] == ["FAILED", "COMPLETED"]


def test_nothing_half_written_is_left_where_an_output_belongs(by_slurm):
    assert not list(by_slurm.path.glob("results/**/half"))


def test_the_disturbed_run_records_what_the_undisturbed_one_does(by_slurm, by_dvc):
    yaml = YAML(typ="safe")
    records = [yaml.load(checkout.path / "dvc.lock") for checkout in (by_slurm, by_dvc)]
    assert records[0] == records[1]  # outputs by their hashes; the stages stand in any order


def test_nothing_is_left_to_do(by_slurm):
    assert "up to date" in by_slurm.dvc("status", "dvc.yaml")
    assert stages_run(by_slurm.dvc("repro")) == []
    assert "Nothing to be done" in by_slurm.snakemake("-n")


def test_shards_run_on_both_nodes_with_a_gpu_each_and_are_gathered_with_one_too(runs):
    shards = _of(runs[1].path, f"shard_{SHARDED}")
    assert [(record.state, record.gpus) for record in shards] == [("COMPLETED", 1)] * 2
    assert {record.node for record in shards} == {"gpu1", "gpu2"}
    assert [record.gpus for record in _of(runs[1].path, SHARDED)] == [1]  # it does what is missing


def test_shards_change_no_byte(runs, by_dvc):
    folders = [checkout.path / "results" / SHARDED for checkout in (runs[1], by_dvc)]
    mine, theirs = ({f.name: f.read_bytes() for f in folder.iterdir()} for folder in folders)
    assert mine == theirs


def _lacking() -> str:
    """Why there can be no cluster here, or nothing."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [program for program in PROGRAMS if not shutil.which(program, path=path)]
    if missing:
        return f"{', '.join(missing)} not installed; .ci/run names the Debian packages"
    if os.geteuid() != 0:
        return "only root may make devices and /etc/slurm"
    if os.path.lexists("/etc/slurm/slurm.conf"):
        return "/etc/slurm/slurm.conf is there: this machine is in a cluster already"
    return ""


def _settle_in(path: Path) -> None:
    """Change the profile as a site would."""
    yaml = YAML()
    file = path / PROFILE / "config.yaml"
    profile = yaml.load(file.read_text(encoding="utf-8"))
    profile["default-resources"]["slurm_partition"] = "units"
    profile["precommand"] = "export SITE_MODULES=loaded"
    profile["slurm-init-seconds-before-status-checks"] = 14
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(profile, out)


@contextmanager
def _snakemake(path: Path, *words: str) -> Iterator[Run]:
    """A run on the cluster, at work; killed if it is still there at the end of the block.

    What it has said is printed if the block fails.
    """
    command = ["snakemake", "--profile", PROFILE, *words]
    with (
        (path / "logs/said").open("w") as said,
        subprocess.Popen(
            command, cwd=path, env=ENVIRONMENT, stdout=said, stderr=subprocess.STDOUT
        ) as run,
    ):
        try:
            yield run
        except BaseException:
            print((path / "logs/said").read_text()[-6000:])
            raise
        finally:
            run.kill()


def _disturb(path: Path, run: Run) -> None:
    """Kill one job, requeue another, and cut the time of a third; each half-way through."""
    killed = _caught(path, KILLED, run)
    _slurm("scancel", "--signal=KILL", killed.id)
    requeued = _caught(path, REQUEUED, run)
    _slurm("scontrol", "requeue", requeued.id)
    _until(lambda: _of(path, REQUEUED)[0].state == "PENDING", run)
    _slurm("scontrol", "update", f"jobid={requeued.id}", "starttime=now")  # not in two minutes
    late = _caught(path, LATE, run)
    # Two to three minutes from now; the profile asks for SIGTERM two before the end.
    _slurm("scontrol", "update", f"jobid={late.id}", f"timelimit={late.minutes + 3}")


def _caught(path: Path, step: str, run: Run) -> Record:
    """The job of a step that has half written its output."""
    _until((path / "logs/writing" / step).exists, run)
    return _of(path, step)[-1]


def _until(condition: Callable[[], bool], run: Run) -> None:
    """Wait for what comes about while ``run`` is at work."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert run.poll() is None, "the run ended before its time"
        assert time.monotonic() < end
        time.sleep(0.2)


def _of(path: Path, rule: str) -> list[Record]:
    return [record for record in _records(path) if record.rule == rule]


def _records(path: Path) -> list[Record]:
    """The jobs of a folder that the scheduler remembers, in the order they were submitted in."""
    said = _slurm("scontrol", "--oneliner", "--details", "show", "job")
    lines = [line for line in said.splitlines() if f" WorkDir={path} " in line]
    return sorted(map(_record, lines), key=lambda record: int(record.id))


def _record(line: str) -> Record:
    def field(name: str) -> str:
        found = re.search(rf"(?:^|\s){name}=(\S*)", line)
        return found[1] if found else ""

    hours, minutes, _ = field("RunTime").split("-")[-1].split(":")
    gpus = re.search(r"TresPerJob=\S*gpu:(\d+)", line)
    return Record(
        id=field("JobId"),
        rule=field("Comment").removeprefix("rule_").split("_wildcards_")[0],
        state=field("JobState"),
        node=field("NodeList"),
        gpus=int(gpus[1]) if gpus else 0,
        restarts=int(field("Restarts")),
        minutes=60 * int(hours) + int(minutes),
    )


def _seen(path: Path) -> list[dict[str, str]]:
    return [json.loads(file.read_text()) for file in sorted((path / "logs/seen").glob("*.json"))]


def _slurm(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout
