"""A mistake in params.yaml ends in one line, before anything heavy is imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import put
from click.testing import CliRunner
from ruamel.yaml import YAML

from artifact_units import registry
from artifact_units.errors import UserError
from artifact_units.evaluation import rows
from artifact_units.images import latents
from artifact_units.registry import names
from steps.check_params import main
from steps.making.checks import TAKEN, read_params
from steps.making.limits import RANGES
from steps.making.parameters import Params
from steps.making.signatures import edits_latents, options_of

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/params.schema.json"
TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def said_of(path):
    with pytest.raises(UserError) as caught:
        read_params(path)
    lines = str(caught.value).splitlines()
    assert [line for line in lines if not line.startswith(f"{path}: ")] == []
    return [line.removeprefix(f"{path}: ") for line in lines]


def with_changes(changes, path):
    """params.yaml with values set by their dotted places; None takes a key away."""
    values = YAML(typ="safe", pure=True).load(TEXT)
    put(values, changes)
    YAML(typ="safe", pure=True).dump(values, path)
    return path


RANKING = "score_units.rankings.unit_fid"
ONE_LAYER = "fit_corrections.corrections.one_layer"
SCORED = ", ".join(f"layer{k}" for k in range(1, 9))
CORRECTION = "fit_corrections.corrections.sequential"
SEQUENTIAL_EDITS = "results/fit_corrections/sequential/edits.json"
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
        ({"read_reals.px": None}, "read_reals.px is missing; it takes a whole number, at least 4"),
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
            {"compute_masks.stage": "layer9"},
            "compute_masks.stage is 'layer9'; it takes layer1 or layer2 or layer3 or layer4",
        ),
        (
            {"compute_masks.stages": "layer3"},
            "compute_masks.stages is not known; did you mean compute_masks.stage?",
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
        ({f"{RANKING}.top": "many"}, f"{RANKING}.top is 'many'; it takes a number"),
        (
            {"fit_corrections.corrections.none": None},
            "fit_corrections.corrections.none is missing; it is the uncorrected row",
        ),
        (
            {"export_generator.edits": "results/fit_corrections/sequentia/edits.json"},
            "export_generator.edits 'results/fit_corrections/sequentia/edits.json' is no "
            "edits.json of a correction; did you mean 'results/fit_corrections/sequential/edits.j",
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
            {"fit_corrections.corrections": {"a.b": SEQUENTIAL}},
            "fit_corrections.corrections: 'a.b' may have letters, digits, _ and - only",
        ),
        (
            {"inputs.reals": "pictures"},
            "inputs.reals is pictures; there is no such file, nor is it under results/",
        ),
        (
            {"inputs.reals": "my reals"},
            "inputs.reals is 'my reals': ' ' has a meaning to a shell; rename it",
        ),
        (
            {"inputs.reals": "pictures", "compute_masks.masker": "gradcam"},
            "compute_masks.masker is 'gradcam', no file of artifact_units/maskers; did you mean",
        ),
        (
            {"inputs.labels": "labels.jsonl"},
            "inputs.labels is labels.jsonl; there is no such file, nor is it under results/: "
            "make an empty one, sample, and label (docs/your_own_generator.md, 3)",
        ),
        (
            {"extract_features.weights": "none.pth"},
            "under results/: docs/your_own_generator.md names the files and their sha256",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_place(tmp_path, changes, said):
    assert said in said_of(with_changes(changes, tmp_path / "params.yaml"))[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"run.batch": 0, "score_units.quantil": 0.9, "run.device": "gpu"},
        {
            "compute_masks.masker": "gradcam",
            "export_generator.edits": "results/fit_corrections/sequentia/edits.json",
            "extract_features.reals": 2000,
            "inputs.reals": "pictures",
            "inputs.labels": "my labels",
        },
    ],
)
def test_all_mistakes_are_told_at_once(tmp_path, changes):
    said = said_of(with_changes(changes, tmp_path / "params.yaml"))
    assert {line.split()[0] for line in said} == set(changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"score_units.quantile": None}, "score_units.quantile is missing; "),
        ({"report": None, "run.batch": None}, "run.batch and 1 more are missing; "),
    ],
)
def test_a_run_has_every_value_and_what_is_left_out_can_be_written(tmp_path, changes, said):
    path = with_changes(changes, tmp_path / "params.yaml")
    assert said_of(path) == [f"{said}`make params FROM={path}` writes the defaults"]
    words = ["--params", str(path), "--complete", str(path)]
    assert CliRunner().invoke(main, words).exit_code == 0
    assert read_params(path).score_units.mask_threshold == 0.5


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"correct_generations.normals": 50},
            "evaluate_generations.subset_size 100 is above correct_generations.normals 50; "
            "raise that, or lower it",
        ),
        (
            {"extract_features.reals": 99},
            "evaluate_generations.subset_size 100 is above extract_features.reals 99",
        ),
        (
            {"correct_generations.normals": 3, "evaluate_generations.subset_size": 2},
            "evaluate_generations.neighbours 3 (+ 1: an image is no neighbour of its own), which "
            "is above correct_generations.normals 3",
        ),
        (
            {"sample_generations.heldout": 299, "correct_generations.normals": 302},
            "correct_generations.artifacts 200 and normals 302 are more than "
            "sample_generations.heldout 299 and label_generations.test 0.25 of 2000 labels; lower",
        ),
        (
            {"fit_corrections.normals": 272},
            "fit_corrections.artifacts 30 and normals 272 are more than the validation split: "
            "label_generations.validation 0.15 of sample_generations.labelled 2000; lower them",
        ),
        (
            {"sample_generations.unlabelled": 20},
            f"{RANKING}.top 0.05 of sample_generations.unlabelled 20 are less than the 2",
        ),
        ({f"{RANKING}.top": 1e-3}, f"{RANKING}.top 0.001 of sample_generations.unlabelled"),
        ({f"{RANKING}.top": 100}, f"{RANKING}.top is 100; it takes a number, above 0, at most 1"),
        (
            {f"{ONE_LAYER}.layer": "layer9"},
            f"{ONE_LAYER}.layer: 'layer9' is none of collect_featuremaps.layers, "
            f"which are {SCORED}",
        ),
        (
            {f"{CORRECTION}.stop": 10**12},
            f"{CORRECTION}.stop {10**12}: 'layer9' is none of collect_featuremaps.layers",
        ),
        (
            {f"{CORRECTION}.start": 8},
            f"{CORRECTION}: start 8 is above stop 7; no layer would be edited",
        ),
        ({f"{ONE_LAYER}.layer": ""}, f"{ONE_LAYER}.layer: '' is none of"),
        ({f"{CORRECTION}.n": -1}, f"{CORRECTION}.n is -1; it takes a number, at least 0"),
        ({f"{CORRECTION}.scale": float("nan")}, f"{CORRECTION}.scale is nan; it takes a number"),
        ({f"{CORRECTION}.scale": 10**400}, f"{CORRECTION}.scale is 1000"),
        (
            {CORRECTION: {"ranking": "random", "corrector": "clip", "stop": 2, "n": 1, "tail": 1}},
            f"{CORRECTION}.tail is 1; it takes a number, at least 0, below 0.5",
        ),
        ({f"{CORRECTION}.n": [3, -2]}, f"{CORRECTION}.n is -2; it takes a number, at least 0"),
        ({f"{CORRECTION}.scale": [0.5, "x"]}, f"{CORRECTION}.scale is 'x'; it takes a number"),
        ({f"{CORRECTION}.n": []}, f"{CORRECTION}.n is an empty list; name a value, or several"),
        ({"fit_corrections.budget": 0}, "fit_corrections.budget is 0; it takes a whole number"),
        ({"fit_corrections.artifacts": 1}, "fit_corrections.artifacts is 1; it takes a whole"),
        (
            {"sample_generations.labelled": 1_000_001},  # id 1000000 is an unlabelled one
            "sample_generations.labelled is 1000001; it takes a whole number, at least 1, "
            "at most 1000000",
        ),
        (
            {"label_generations.least": 2001},
            "label_generations.least 2001 is above sample_generations.labelled 2000",
        ),
        (
            {f"{CORRECTION}.stop": [7, 9]},
            f"{CORRECTION}.stop 9: 'layer9' is none of collect_featuremaps.layers",
        ),
        (
            {f"{CORRECTION}.start": [1, 4], f"{CORRECTION}.stop": [7, 3]},
            f"{CORRECTION}: start 4 is above stop 3; no layer would be edited",
        ),
        (
            {"fit_corrections.corrections.none.n": 1},
            "fit_corrections.corrections.none is the uncorrected row; give it n: 0",
        ),
        (
            {"fit_corrections.corrections.clean": {**SEQUENTIAL, "n": 1}},
            "fit_corrections.corrections.clean is what a row of the truth is called; rename it",
        ),
        (
            {f"{CORRECTION}.gate": 0.5, "export_generator.edits": SEQUENTIAL_EDITS},
            "export_generator.edits: 'sequential' fits in no checkpoint: its gate asks the "
            "classifier; name another",
        ),
        (
            {
                CORRECTION: {"ranking": "random", "corrector": "truncation"},
                "export_generator.edits": SEQUENTIAL_EDITS,
            },
            "export_generator.edits: 'sequential' fits in no checkpoint: it edits latents",
        ),
    ],
)
def test_what_a_late_stage_would_refuse_is_refused_at_once(tmp_path, changes, said):
    found = said_of(with_changes(changes, tmp_path / "params.yaml"))
    assert [line for line in found if said in line]


@pytest.mark.parametrize(
    "changes",
    [
        # Whose layers are its own modules' names is known where the generator is.
        {"collect_featuremaps.layers": ["first", "second"], f"{CORRECTION}.stop": 9},
        # Of no truth, they are of the test labels: .25 of 2,000.
        {"sample_generations.heldout": 200},
        {f"{CORRECTION}.start": [1, 4], f"{CORRECTION}.stop": [7, 5]},
        {"fit_corrections.normals": 271},
    ],
)
def test_what_a_late_stage_may_take_passes(tmp_path, changes):
    read_params(with_changes(changes, tmp_path / "params.yaml"))


def test_as_many_generations_may_be_drawn_as_there_are_ids_in_a_range():
    first = [latents.LABELLED, latents.UNLABELLED, latents.HELDOUT, latents.REFERENCE]
    ends = [*first[1:], latents.PLANTING]
    most = {
        Params.model_json_schema()["$defs"]["SampleGenerations"]["properties"][name]["maximum"]
        for name in ("labelled", "unlabelled", "heldout")
    }
    assert {end - start for start, end in zip(first, ends, strict=True)} == most


def test_the_names_that_the_check_knows_are_those_of_the_package():
    assert set(TAKEN) == {rows.CLEAN, rows.REFERENCE}
    assert [edits_latents(name) for name in ("boundary", "rejection", "clip")] == [
        True,
        True,
        False,
    ]
    known = {
        key
        for shelf in ("maskers", "rankings", "correctors")
        for name in names(shelf)
        for option in options_of(shelf, name)
        for key in (option, f"{name}.{option}")
    }
    assert set(RANGES) <= known


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def corect(): ...\n", "correctors/own.py has no function 'correct'"),
        ("def correct(:\n", "correctors/own.py is not readable as Python"),
    ],
)
def test_a_method_of_ones_own_that_is_none_is_one_line(tmp_path, monkeypatch, text, said):
    (tmp_path / "correctors").mkdir()
    (tmp_path / "correctors" / "own.py").write_text(text)
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "registry.py"))
    with pytest.raises(UserError, match=said):
        options_of("correctors", "own")


@pytest.mark.parametrize(
    ("text", "said"),
    [("\nrun: {}\n", 'found duplicate key "run"'), ("\nmore: [\n", "line ")],
)
def test_a_file_that_yaml_cannot_mean_is_one_line(tmp_path, text, said):
    path = tmp_path / "params.yaml"
    path.write_text(TEXT + text, encoding="utf-8")
    assert said in said_of(path)[0]


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
    assert options_of("correctors", "ablation") == {"layer": ("str", ...), "n": ("int", ...)}
    assert options_of("rankings", "unit_fid") == {"top": ("float", 0.05)}


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
