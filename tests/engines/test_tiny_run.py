"""The real steps on a tiny run, from rendering to report, under each engine in its own folder.

Snakemake cuts into shards what comes in parts; DVC does not.
"""

import json

import pytest
from checkout import Checkout, stages_run

TINY = {
    "run.device": "cpu",
    "run.threads": 1,
    "run.batch": 50,
    "render_reals.images": 40,
    "plant_defects.lowest": 0.0,
    "plant_defects.highest": 1.0,
    "plant_defects.single_layer": 1.0,
    "annotate_generations.reference": 20,
    "sample_generations.labelled": 120,
    "sample_generations.unlabelled": 30,
    "sample_generations.heldout": 60,
    "label_generations.least": 3,
    "train_classifier.px": 32,
    "train_classifier.reals": 30,
    "train_classifier.epochs": 12,
    "train_classifier.minibatch": 16,
    "collect_featuremaps.layers": [f"layer{n}" for n in range(1, 6)],
    "collect_featuremaps.images": 6,
    "score_units.iou_px": 16,
    "score_units.bootstrap": 5,
    "score_units.rankings.random.repeats": 2,
    "choose_correction.artifacts": 2,
    "choose_correction.normals": 2,
    "choose_correction.n": [2],
    "choose_correction.start": [1],
    "choose_correction.stop": [5],
    "correct_generations.artifacts": 6,
    "correct_generations.normals": 4,
    "correct_generations.confidence": 0.0,
    # Every process imports torch: as few as there can be.
    **{f"score_units.rankings.{name}": None for name in ("defective_score_max", "unit_fid")},
    "correct_generations.corrections.random": None,
    "correct_generations.corrections.unit_fid": None,
    "correct_generations.corrections.one_layer": None,
    "correct_generations.corrections.sequential_max": None,
    "correct_generations.corrections.chosen": None,
    "correct_generations.corrections.sequential.stop": 5,
    "export_generator.correction": "sequential",
    "extract_features.reals": 20,
    "evaluate_generations.neighbours": 1,
    "evaluate_generations.subsets": 2,
    "evaluate_generations.subset_size": 4,
    "evaluate_generations.bootstrap": 5,
    "report.generations": 2,
    "report.units": 2,
    "report.failures": 1,
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return Checkout.make(tmp_path_factory.mktemp("tiny") / "it", TINY, stand_ins=False)


@pytest.fixture(scope="module")
def by_snakemake(start, tmp_path_factory):
    checkout = start.copy(tmp_path_factory.mktemp("tiny_snakemake") / "it")
    checkout.snakemake("--config", "shards=2")
    return checkout


def test_both_engines_make_the_same_bytes(by_dvc, by_snakemake):
    # The records hold the hash of every input, parameter and output of every stage.
    assert by_snakemake.locks() == by_dvc.locks()


def test_neither_has_anything_left_to_do(by_dvc, by_snakemake):
    assert "Nothing to be done" in by_dvc.snakemake("-n")
    assert "up to date" in by_snakemake.dvc("status")
    assert stages_run(by_snakemake.dvc("repro")) == []


def test_the_run_ends_in_a_page_and_in_metrics(by_dvc):
    assert "</html>" in (by_dvc.path / "results/report/report.html").read_text(encoding="utf-8")
    metrics = json.loads((by_dvc.path / "results/evaluate_generations/metrics.json").read_text())
    assert metrics
