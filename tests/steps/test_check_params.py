"""A mistake in params.yaml ends in one line, before anything heavy is imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import put
from ruamel.yaml import YAML

from artifact_units.errors import UserError
from steps.checks import options_of, read_params
from steps.parameters import Params

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/params.schema.json"
TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def said_of(path):
    with pytest.raises(UserError) as caught:
        read_params(path)
    said = str(caught.value)
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


def with_changes(changes, path):
    """params.yaml with values set by their dotted places; None takes a key away."""
    values = YAML(typ="safe", pure=True).load(TEXT)
    put(values, changes)
    YAML(typ="safe", pure=True).dump(values, path)
    return path


RANKING = "score_units.rankings.unit_fid"
CORRECTION = "correct_generations.corrections.sequential"
SEQUENTIAL = {"ranking": "defective_score", "corrector": "sequential", "stop": 7, "scale": 1.0}
SHARE = "it takes a number, at least 0, at most 1"


def test_the_parameters_as_they_are_shipped_are_well_formed():
    assert read_params(Path("params.yaml")).run.device == "auto"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"score_units.quantile": None, "score_units.quantil": 0.9},
            "score_units.quantil is not known; did you mean score_units.quantile?",
        ),
        ({"score_units.quantile": None}, f"score_units.quantile is missing; {SHARE}"),
        ({"raport": {}}, "raport is not known; did you mean 'report'?"),
        ({"score_units.quantile": 1.5}, f"score_units.quantile is 1.5; {SHARE}"),
        ({"score_units.quantile": float("nan")}, f"score_units.quantile is nan; {SHARE}"),
        ({"score_units.quantile": "1e-3"}, f"score_units.quantile is '1e-3'; {SHARE}"),
        ({"run.threads": True}, "run.threads is True; it takes a whole number, at least 1"),
        ({"run.threads": 2.0}, "run.threads is 2.0; it takes a whole number, at least 1"),
        ({"run.device": "gpu"}, "run.device is 'gpu'; it takes auto or cpu or cuda"),
        (
            {"train_classifier.frozen": "no"},
            "train_classifier.frozen is 'no'; it takes true or false",
        ),
        ({"collect_featuremaps.layers": [1]}, "collect_featuremaps.layers.0 is 1; it takes a list"),
        ({"report": 3}, "report is 3; it takes a section: keys and values"),
        (
            {"label_generations.validation": 0.8, "label_generations.test": 0.2},
            "label_generations.validation 0.8 and test 0.2 leave nothing to train on",
        ),
        (
            {"compute_masks.masker": "gradcam"},
            "compute_masks.masker is 'gradcam', no file of artifact_units/maskers; "
            "did you mean 'grad_cam'?",
        ),
        (
            {f"{RANKING}.ranking": "unit_fit"},
            f"{RANKING}.ranking is 'unit_fit', no file of artifact_units/rankings; "
            "did you mean 'unit_fid'?",
        ),
        (
            {f"{RANKING}.ranking": None, f"{RANKING}.rankin": "unit_fid"},
            f"{RANKING}.rankin is not known; did you mean {RANKING}.ranking?",
        ),
        ({f"{RANKING}.tops": 3}, f"{RANKING}.tops is not known; did you mean {RANKING}.top?"),
        ({f"{RANKING}.top": "many"}, f"{RANKING}.top is 'many'; it takes a whole number"),
        (
            {"correct_generations.corrections.none": None},
            "correct_generations.corrections.none is missing; it is the uncorrected row",
        ),
        (
            {"export_generator.correction": "sequentia"},
            "export_generator.correction 'sequentia' is no correction; did you mean 'sequential'?",
        ),
        (
            {"read_reals.images": 600, "extract_features.reals": 700},
            "extract_features.reals 700 is above read_reals.images 600; raise that",
        ),
        (
            {CORRECTION: {**SEQUENTIAL, "n": 4, "ranking": "defectiv_score"}},
            f"{CORRECTION}.ranking 'defectiv_score' is no score_units.rankings; "
            "did you mean 'defective_score'?",
        ),
        ({CORRECTION: SEQUENTIAL}, f"{CORRECTION}.n is missing; correctors/sequential needs it"),
        (
            {"correct_generations.corrections": {"a.b": SEQUENTIAL}},
            "correct_generations.corrections: 'a.b' may have letters, digits, _ and - only",
        ),
        (
            {"inputs.reals": "pictures"},
            "inputs.reals is pictures; there is no such file, nor is it under results/",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_place(tmp_path, changes, said):
    assert said in said_of(with_changes(changes, tmp_path / "params.yaml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [("\nrun: {}\n", 'found duplicate key "run"'), ("\nmore: [\n", "line ")],
)
def test_a_file_that_yaml_cannot_mean_is_one_line(tmp_path, text, said):
    path = tmp_path / "params.yaml"
    path.write_text(TEXT + text, encoding="utf-8")
    assert said in said_of(path)


def test_a_file_of_no_sections_is_one_line(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("[]\n")
    with pytest.raises(UserError, match="holds no sections"):
        read_params(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"params\.yaml: "):
        read_params(path)


def test_options_are_read_without_importing_the_method():
    # n: int and layer: str have no default, so both are needed.
    assert options_of("correctors", "ablation") == {"layer": ("str", True), "n": ("int", True)}


def test_the_schema_is_that_of_the_models():
    assert json.loads(SCHEMA.read_text()) == Params.model_json_schema(), "run `make schema`"


def test_the_step_writes_the_same_bytes_whatever_the_values_and_imports_nothing_heavy(tmp_path):
    out = tmp_path / "checked.json"
    code = (
        "import sys; sys.argv[1:] = ['--params', 'params.yaml', '--out', sys.argv[1]]\n"
        "from steps.check_params import main\n"
        "main(standalone_mode=False)\n"
        "sys.exit(str(sorted({'torch', 'numpy', 'pyarrow', 'dvc'} & set(sys.modules))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(out)], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == "[]"
    assert out.read_text() == '{"checked": true}\n'
