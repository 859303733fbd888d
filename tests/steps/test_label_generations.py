import json

import pytest
from click.testing import CliRunner
from patches import write_problem

from artifact_units.tables import read_table
from steps.label_generations import main

VALUES = ["--validation", "0.15", "--test", "0.25", "--least", "5", "--seed", "0"]


@pytest.fixture
def problem(tmp_path):
    write_problem(tmp_path, generations=40, heldout=1, reals=1)
    return tmp_path


def label(problem, *more):
    paths = {"generator": "generator.bin", "labels": "labels.jsonl", "out": "labels.parquet"}
    given = [word for name, file in paths.items() for word in (f"--{name}", str(problem / file))]
    return CliRunner().invoke(main, [*given, *VALUES, *more])


def add(problem, **verdict):
    first = json.loads((problem / "labels.jsonl").read_text().splitlines()[0])
    with (problem / "labels.jsonl").open("a") as file:
        file.write(json.dumps({**first, **verdict}) + "\n")


def test_every_settled_verdict_becomes_a_label_with_a_split(problem):
    add(problem, id=0, rater="b", verdict="artifact")  # a tie: dropped
    add(problem, id=2, rater="b", verdict="normal")
    result = label(problem)
    assert result.exit_code == 0, result.output
    assert "20 artifact and 19 normal generations" in result.output
    rows = read_table(problem / "labels.parquet", "labels").to_pylist()
    assert [row["id"] for row in rows] == list(range(1, 40))
    assert all(row["label"] == ("normal", "artifact")[row["id"] % 2] for row in rows)
    assert rows[1]["raters"] == 2
    # 0.25 of 20 artifacts, 0.15 of 20.
    splits = [row["split"] for row in rows if row["label"] == "artifact"]
    assert (splits.count("test"), splits.count("validation"), splits.count("train")) == (5, 3, 12)


def test_labelling_twice_gives_the_same_bytes(problem):
    label(problem)
    first = (problem / "labels.parquet").read_bytes()
    label(problem)
    assert (problem / "labels.parquet").read_bytes() == first


def test_labels_of_another_checkpoint_are_refused_and_nothing_is_written(problem):
    (problem / "generator.bin").write_bytes(b"other weights")
    result = label(problem)
    assert result.exit_code == 1
    assert "generation 0 was labelled on checkpoint" in result.output
    assert not (problem / "labels.parquet").exists()


def test_too_few_labels_of_a_class_are_refused_in_one_line(problem):
    result = label(problem, "--least", "21")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "20 generations are labelled artifact, label_generations.least is 21" in result.output


def test_labels_that_were_all_undone_are_refused(problem):
    (problem / "labels.jsonl").write_text("")
    assert "holds no settled label" in label(problem).output
