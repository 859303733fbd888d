import json

import pytest
from click.testing import CliRunner
from patches import PX, write_problem

from artifact_units.files.tables import write_table
from artifact_units.labels.splits import stratified
from steps.train_classifier import main

RUN = ["--device", "cpu", "--threads", "1", "--batch", "50"]
RUN += ["--precision", "float32", "--no-channels_last"]
VALUES = {
    "network": "resnet18_narrow",
    "weights": "params/no_weights",
    "px": PX,
    "reals": 100,
    "epochs": 3,
    "minibatch": 16,
    "rate": 0.005,
    "seed": 0,
}


def words(values):
    return [word for name, value in values.items() for word in (f"--{name}", str(value))]


def train(problem, **changed):
    paths = {
        "generations": problem / "generations" / "labelled",
        "labels": problem / "labels.parquet",
        "images": problem / "reals",
        "out": problem / "classifier.safetensors",
        "metrics": problem / "metrics.json",
        "plots": problem / "plots",
    }
    given = words({**paths, **VALUES, **changed})
    return CliRunner().invoke(main, [*given, "--no-frozen", *RUN])


def write_labels(path, number):
    names = ["artifact" if i % 2 else "normal" for i in range(number)]
    splits = stratified(range(number), names, validation=0.2, test=0.2, seed=0)
    columns = {"id": range(number), "label": names, "split": splits, "raters": [1] * number}
    write_table(path, "labels", columns)


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    folder = tmp_path_factory.mktemp("problem")
    write_problem(folder, generations=160, heldout=10, reals=100)
    write_labels(folder / "labels.parquet", 160)
    return folder


@pytest.fixture(scope="module")
def trained(problem):
    result = train(problem)
    assert result.exit_code == 0, result.output
    return result


def test_the_line_said_names_accuracy_and_device(trained):
    assert trained.output.count("\n") == 1
    assert "on 52 test images, on cpu" in trained.output


def test_metrics_and_plots_are_of_the_test_split(problem, trained):
    found = json.loads((problem / "metrics.json").read_text())
    recalls = ["recall_artifact", "recall_normal", "recall_real"]
    assert list(found) == ["accuracy", "auc_artifact", *recalls, "test_images"]
    assert found["test_images"] == 52  # 0.2 of 160 and of 100
    assert found["accuracy"] > 0.9
    confusion = (problem / "plots" / "confusion.csv").read_text().splitlines()
    assert confusion[0] == "actual,predicted"
    right = [line.split(",")[0] == line.split(",")[1] for line in confusion[1:]]
    assert sum(right) / 52 == pytest.approx(found["accuracy"], abs=1e-6)
    assert len((problem / "plots" / "training.csv").read_text().splitlines()) == 4


def test_training_again_writes_the_same_bytes_everywhere(problem, trained):
    files = ["classifier.safetensors", "metrics.json", "plots/confusion.csv", "plots/training.csv"]
    first = [(problem / name).read_bytes() for name in files]
    train(problem)
    assert [(problem / name).read_bytes() for name in files] == first


def test_missing_weights_are_refused_with_what_they_are(problem):
    result = train(problem, network="resnet18", weights=problem / "absent.pth")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "absent.pth: no such file; it should be torchvision's ResNet18" in result.output
