"""The analysis and the spread over trainings, on a graph of one stage that adds up values."""

import csv
import json
import shutil
import subprocess

import pytest
from checkout import Checkout
from house import ROOT

GRAPH = """
stages:
  evaluate_generations:
    cmd: python measure.py
    deps: [measure.py]
    params: [fit_corrections, train_classifier, other.yaml: [annotator]]
    outs: [results/evaluate_generations/plots]
"""
PARAMS = """
fit_corrections:
  corrections:
    none: {corrector: ablation, n: 0}
    raw: {corrector: sequential, n: 3, scale: 1.0}
    max: {corrector: sequential, n: 3, scale: 0.5}
train_classifier: {seed: 0}
"""
MEASURE = """
from pathlib import Path
from ruamel.yaml import YAML

values = YAML(typ="safe").load(Path("params.yaml"))
corrections = values["fit_corrections"]["corrections"]
seeds = values["train_classifier"]["seed"], YAML(typ="safe").load(Path("other.yaml"))["annotator"]
folder = Path("results/evaluate_generations/plots")
folder.mkdir(parents=True)
for place, metric in enumerate(("frechet", "realism", "pixel_recovery", "psnr")):
    lines = ["correction,value,low,high"]
    for name, entry in corrections.items():
        value = 100 * place + entry["n"] + entry.get("scale", 0) + 10 * sum(seeds)
        lines.append(f"{name},{value:g},{value - 1:g},{value + 1:g}")
    (folder / f"{metric}.csv").write_text("\\n".join(lines))
"""


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """A finished run, committed."""
    path = tmp_path_factory.mktemp("analysis") / "it"
    shutil.copytree(ROOT / "workflow", path / "workflow")
    for file in (".dvcignore", ".gitignore", ".dvc/config", "Makefile"):
        (path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, path / file)
    texts = {"dvc.yaml": GRAPH, "params.yaml": PARAMS, "measure.py": MEASURE}
    tables = {f"params/{name}.csv": "none yet\n" for name in ("analysis", "spread")}
    texts["other.yaml"] = "annotator: 0\n"
    for name, text in (texts | tables).items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text(text)
    subprocess.run(["git", "init", "-q", path], check=True)
    checkout = Checkout(path)
    checkout.dvc("repro")
    checkout.commit_first()
    return checkout


@pytest.fixture
def done(committed, tmp_path):
    return committed.copy(tmp_path / "it")


def analysis(checkout, *sweeps):
    return checkout.says("make", "analysis", f"SWEEPS={' '.join(sweeps)}", "JOBS=1")


def table(checkout):
    with (checkout.path / "params/analysis.csv").open(encoding="utf-8") as file:
        return {
            (row["correction"], row["parameter"], json.loads(row["at"]), row["metric"]): (
                float(row["value"]),
                float(row["low"]),
                float(row["high"]),
            )
            for row in csv.DictReader(file)
        }


def test_every_value_is_an_experiment_and_all_of_them_one_table(done):
    said = analysis(done, "n=1,3", "scale=0.5")
    names = done.dvc("exp", "list", "--name-only").split()
    assert sorted(names) == ["analysis-n-1", "analysis-scale-0.5"]  # n = 3 is the commit itself
    found = table(done)
    assert len(found) == 3 * 2 * 4  # points, sequential corrections, metrics
    assert found["raw", "n", 1, "frechet"] == (2, 1, 3)
    assert found["max", "n", 1, "frechet"] == (1.5, 0.5, 2.5)
    assert found["raw", "n", 3, "realism"] == (104, 103, 105)
    assert found["raw", "scale", 0.5, "psnr"] == (303.5, 302.5, 304.5)
    assert found["max", "scale", 0.5, "psnr"] == (303.5, 302.5, 304.5)
    assert "params/analysis.csv: 3 points" in said
    said = analysis(done, "n=1,2,3", "scale=0.5")  # goes on: what is there is not run again
    assert said.count("Reproducing experiment") == 1
    assert "Reproducing experiment 'analysis-n-2'" in said
    assert table(done).items() > found.items()


def test_an_experiment_that_fails_is_named_and_the_table_stays(done):
    (done.path / "measure.py").write_text(f"{MEASURE}\nassert entry['n'] < 4, 'no ink'\n")
    done.git("commit", "--quiet", "--all", "--message", "two")
    said = analysis(done, "n=4")
    assert "Error: analysis-n-4 failed; see dvc queue logs analysis-n-4" in said
    assert (done.path / "params/analysis.csv").read_text() == "none yet\n"


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ("", "Error: an analysis needs values: python -m workflow.analysis n=1,3 "),
        ("n", "Error: n is no parameter with values; such as n=1,3"),
        ("n=1,", "Error: n=1, is no parameter with values; such as n=1,3"),
        ("l=1", "Error: l is no parameter of raw; it has corrector, n, scale"),
    ],
)
def test_a_mistake_is_one_line_and_queues_nothing(done, sweep, said):
    heard = analysis(done, *sweep.split())
    assert said in heard
    assert "Traceback" not in heard
    assert done.dvc("exp", "list").split() == []


def test_it_is_of_the_last_commit_and_says_so_where_there_are_changes(done):
    done.append("measure.py", "# a comment\n")
    assert "Error: measure.py is not committed" in analysis(done, "n=1")


def test_without_a_sequential_correction_it_says_so(done):
    done.change({f"fit_corrections.corrections.{n}": None for n in ("raw", "max")})
    done.git("commit", "--quiet", "--all", "--message", "two")
    assert "is sequential with fixed values; add one" in analysis(done, "n=1")


def spread(checkout, trainings, seeded="train_classifier.seed other.yaml:annotator"):
    return checkout.says("make", "spread", f"TRAININGS={trainings}", f"SEEDED={seeded}", "JOBS=1")


def test_every_seed_is_a_training_beside_the_commits_own(done):
    said = spread(done, "1,4")
    assert "params/spread.csv: 3 trainings" in said
    assert sorted(done.dvc("exp", "list", "--name-only").split()) == ["spread-1", "spread-4"]
    with (done.path / "params/spread.csv").open(encoding="utf-8") as file:
        found = {
            (row["training"], row["correction"], row["metric"]): float(row["value"])
            for row in csv.DictReader(file)
        }
    assert len(found) == 3 * 3 * 4  # trainings, corrections, metrics
    # Both seeds are turned, and each counts ten.
    frechet = [found[training, "raw", "frechet"] for training in ("own", "1", "4")]
    assert frechet == [4, 24, 84]


@pytest.mark.parametrize(("trainings", "seeded"), [("one", "a.seed"), ("1,2", "")])
def test_a_spread_without_seeds_or_places_is_one_line(done, trainings, seeded):
    heard = spread(done, trainings, seeded)
    assert "Error: a spread needs seeds and where they stand: " in heard
    assert done.dvc("exp", "list").split() == []
