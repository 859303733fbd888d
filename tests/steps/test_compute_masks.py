import pytest
import torch
from click.testing import CliRunner
from patches import PX, patches, write_problem
from small_masking import evidence_of

from artifact_units.classifier.heatmaps import read_heatmaps
from artifact_units.classifier.network import load_classifier, new_classifier, save_classifier
from artifact_units.maskers.grad_cam import mask
from steps.compute_masks import main


def run(problem, **changed):
    values = {
        "classifier": problem / "classifier.safetensors",
        "generations": problem / "generations",
        "out": problem / "heatmaps.parquet",
        "masker": "grad_cam",
        "heatmaps": "params/no_heatmaps",
        "stage": "layer2",
        "target": "contrast",
        "device": "cpu",
        "threads": 1,
        "batch": 4,
        "precision": "float32",
        **changed,
    }
    words = [word for name, value in values.items() for word in (f"--{name}", str(value))]
    return CliRunner().invoke(main, [*words, "--no-channels_last"])


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    folder = tmp_path_factory.mktemp("problem")
    write_problem(folder, generations=10, heldout=6, reals=1)
    save_classifier(folder / "classifier.safetensors", new_classifier("resnet18_narrow", PX, 0))
    return folder


def test_heatmaps_of_both_parts_are_stored_at_the_stages_own_grid(problem):
    result = run(problem)
    assert result.exit_code == 0, result.output
    assert result.output.count("\n") == 1
    assert "16 heatmaps of 8 x 8 on cpu" in result.output
    labelled, heldout = (
        read_heatmaps(problem / "heatmaps.parquet", part) for part in ("labelled", "heldout")
    )
    assert labelled.ids.tolist() == list(range(10))
    assert heldout.ids.tolist() == list(range(2_000_000, 2_000_006))
    classifier = load_classifier(problem / "classifier.safetensors")
    logits, heatmaps = mask(
        evidence_of(classifier, patches(6, 1)[0][4:]), stage="layer2", target="contrast"
    )
    assert torch.allclose(heldout.logits[4:], logits, atol=1e-5)
    assert torch.allclose(heldout.heatmaps[4:], heatmaps, atol=1e-4)


def test_masking_again_writes_the_same_bytes(problem):
    run(problem)
    first = (problem / "heatmaps.parquet").read_bytes()
    run(problem)
    assert (problem / "heatmaps.parquet").read_bytes() == first


def test_the_stage_asked_for_is_the_one_looked_at(problem):
    assert "heatmaps of 4 x 4" in run(problem, stage="layer4").output


def test_logits_that_are_not_finite_are_refused_and_nothing_is_written(problem):
    broken = new_classifier("resnet18_narrow", PX, 0)
    torch.nn.init.constant_(broken.network.get_parameter("fc.bias"), float("nan"))
    save_classifier(problem / "broken.safetensors", broken)
    out = problem / "none.parquet"
    result = run(problem, classifier=problem / "broken.safetensors", out=out)
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "generation 0 are not finite" in result.output
    assert not out.exists()


def test_an_unknown_masker_is_refused_with_the_nearest(problem):
    result = run(problem, masker="grad_cem")
    assert result.exit_code == 1
    assert "did you mean 'grad_cam'" in result.output


def test_a_file_that_is_no_classifier_is_refused_in_one_line(problem):
    (problem / "no.safetensors").write_bytes(b"\x00")
    result = run(problem, classifier=problem / "no.safetensors")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "not a readable checkpoint" in result.output
