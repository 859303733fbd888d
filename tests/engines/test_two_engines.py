"""One graph, two engines: what one has done the other does not do again, and both agree on it.

Every step but the check of params.yaml is a stand-in (stand_in.py); the graph is the real one.
"""

import os
import re
from base64 import b64encode

import pytest
from checkout import Checkout, stages_run
from house import load

from workflow.graph import read_graph

DEMO = {"check_embedded", "render_reals", "plant_defects", "annotate_generations"}
CORRECTIONS = {"none", "random", "sequential"}
REPORTED = {"evaluate_generations", "report"}
FANNED = ("fit_corrections", "correct_generations", "extract_features")


def of(correction: str) -> set[str]:
    """The stages that a change of one correction makes stale."""
    return {*(f"{stage}__{correction}" for stage in FANNED), "choose_correction", *REPORTED}


CORRECTED = {stage for name in CORRECTIONS for stage in of(name)} | {"export_generator"}
RANKINGS = {"defective_score", "random", "range_excess"}
SCORED = {f"score_units__{name}" for name in RANKINGS}
MASKED = {"compute_masks", *SCORED, *CORRECTED}
WHOLE = load("params.yaml")
FEWER = (
    {
        f"fit_corrections.corrections.{name}": None
        for name in WHOLE["fit_corrections"]["corrections"].keys() - CORRECTIONS
    }
    | {
        f"score_units.rankings.{name}": None
        for name in WHOLE["score_units"]["rankings"].keys() - RANKINGS
    }
    | {"export_generator.edits": "results/fit_corrections/sequential/edits.json"}
)
NEW = {"ranking": "random", "corrector": "ablation", "layer": "layer4", "n": 1}


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return Checkout.make(tmp_path_factory.mktemp("start") / "it", FEWER, stand_ins=True)


@pytest.fixture(scope="module")
def by_snakemake(start, tmp_path_factory):
    checkout = start.copy(tmp_path_factory.mktemp("snakemake") / "it")
    checkout.snakemake()
    return checkout


def test_both_engines_record_the_same_run_byte_for_byte(by_dvc, by_snakemake):
    assert by_snakemake.locks() == by_dvc.locks()


def test_after_snakemake_dvc_has_nothing_to_do(by_snakemake):
    assert "up to date" in by_snakemake.dvc("status")
    assert stages_run(by_snakemake.dvc("repro")) == []


def test_after_dvc_snakemake_has_nothing_to_do(by_dvc):
    assert "Nothing to be done" in by_dvc.snakemake("-n")


def test_after_snakemake_snakemake_has_nothing_to_do(by_snakemake):
    assert "Nothing to be done" in by_snakemake.snakemake("-n")


@pytest.mark.parametrize(
    ("changes", "stale"),
    [
        ({"report.units": 3}, {"report"}),
        ({"extract_features.reals": 50}, {"extract_reference_features", *SCORED, *CORRECTED}),
        ({"compute_masks.target": "artifact"}, MASKED),
        ({"train_classifier.epochs": 2}, {"train_classifier", *MASKED}),
        ({"fit_corrections.corrections.random.n": 5},
         of("random")),
        ({"fit_corrections.corrections.new": NEW},
         of("new")),
        ({"score_units.rankings.new": {"ranking": "contrast"}}, {"score_units__new", "report"}),
        ({"evaluate_generations.neighbours": 5}, REPORTED),
    ],
)  # fmt: skip
def test_a_changed_parameter_makes_stale_what_rests_on_it_and_no_more(done, changes, stale):
    done.change(changes)
    assert read_graph().stale() == {"fingerprint_code", "check_params", *stale}


@pytest.mark.parametrize(
    ("file", "stale"),
    [
        ("artifact_units/correctors/sequential.py",
         {*of("sequential"), "export_generator"}),
        ("artifact_units/correctors/truncation.py", set()),
        ("artifact_units/rankings/random_order.py", {"score_units__random", *of("random")}),
        ("artifact_units/rankings/contrast.py", set()),
        ("artifact_units/report/words.py", {"report"}),
        ("steps/compute_masks.py", MASKED),
        ("Snakefile", set()),
        ("workflow/graph.py", set()),
    ],
)  # fmt: skip
def test_changed_code_makes_stale_what_runs_it_and_no_more(done, file, stale):
    done.append(file, "print('changed')\n")
    also = {"fingerprint_code"} if file.startswith(("artifact_units", "steps")) else set()
    assert read_graph().stale() - {"check_params"} == {*also, *stale}


@pytest.mark.parametrize("file", ["artifact_units/errors.py", "steps/making/command.py"])
def test_a_comment_a_docstring_and_another_layout_make_no_stage_stale_that_computes(done, file):
    text = (done.path / file).read_text()
    (done.path / file).write_text(text.replace('"""', '"""Another word. ', 1) + "\n\n# More.\n")
    assert read_graph().stale() == {"fingerprint_code"}
    assert stages_run(done.dvc("repro")) == ["fingerprint_code"]
    assert "up to date" in done.dvc("status")


def test_touching_files_makes_nothing_stale(done):
    for file in done.path.rglob("*.*"):
        if ".dvc" not in file.parts and ".git" not in file.parts:
            os.utime(file)
    assert read_graph().stale() == set()


def test_another_memory_request_makes_nothing_stale(done):
    graph = done.path / "dvc.yaml"
    graph.write_text(graph.read_text().replace("mem_mb: 1500", "mem_mb: 1600"))
    assert {job.resources["mem_mb"] for job in read_graph()} >= {1600}
    assert read_graph().stale() == set()


def test_a_lost_output_makes_its_stage_stale_and_comes_back_from_the_cache(done):
    lost = done.path / "results/score_units/random.parquet"
    before = lost.read_text()
    lost.unlink()
    assert read_graph().stale() == {"score_units__random", *of("random")}
    said = done.snakemake("score_units__random")
    assert (stages_run(said), lost.read_text()) == ([], before)


def test_after_a_change_both_engines_run_the_same_stages(done, tmp_path):
    changes = {"fit_corrections.corrections.new": NEW, "report.units": 3}
    other = done.copy(tmp_path / "other")
    done.change(changes)
    other.change(changes)
    ran = stages_run(done.snakemake())
    assert ran == stages_run(other.dvc("repro"))
    assert ran == [
        "check_params",
        "choose_correction",
        "correct_generations@new",
        "evaluate_generations",
        "extract_features@new",
        "fingerprint_code",
        "fit_corrections@new",
        "report",
    ]
    assert done.locks() == other.locks()
    assert "Nothing to be done" in done.snakemake("-n")


def test_no_more_jobs_are_submitted_than_there_are_stale_stages(done):
    done.change({"report.units": 3})
    assert planned(done) == {
        "all": 1,
        "check_params": 1,
        "fingerprint_code": 1,
        "report": 1,
        "total": 4,
    }
    assert planned(done, "report") == {"fingerprint_code": 1, "report": 1, "total": 2}


def test_after_snakemake_too_no_more_jobs_are_submitted_than_there_are_stale_stages(
    by_snakemake, tmp_path
):
    done = by_snakemake.copy(tmp_path / "it")
    done.change({"report.units": 3})
    assert planned(done) == {
        "all": 1,
        "check_params": 1,
        "fingerprint_code": 1,
        "report": 1,
        "total": 4,
    }
    assert planned(done, "fingerprint_code") == {"fingerprint_code": 1, "total": 1}
    assert planned(done, "score_units__random") == {}
    done.snakemake()
    assert planned(done) == {}


def test_a_stage_by_name_is_run_with_the_check_before_it(start, tmp_path):
    fresh = start.copy(tmp_path / "it")
    found = set(planned(fresh, "sample_generations"))
    assert found >= {"fingerprint_code", "check_params", "plant_defects", "sample_generations"}
    assert "annotate_generations" not in found


def planned(checkout, *targets):
    """How many jobs of each rule Snakemake would run."""
    rows = re.findall(r"^(\w+)  +(\d+)$", checkout.snakemake("-n", *targets), re.M)
    return {name: int(count) for name, count in rows}


def test_the_embedded_domain_falls_away_where_the_inputs_are_your_own(start, tmp_path, monkeypatch):
    own = start.copy(tmp_path / "it")
    assert _jobs(own, monkeypatch) >= DEMO
    for name in ("generator.safetensors", "images", "labels.jsonl"):
        (own.path / name).touch()
    own.change(
        {
            "inputs.generator": "generator.safetensors",
            "inputs.reals": "images",
            "inputs.labels": "labels.jsonl",
            "inputs.truth": "params/no_truth",
        }
    )
    assert not _jobs(own, monkeypatch) & DEMO


def test_a_frozen_stage_is_never_run(by_dvc, by_snakemake, done):
    for checkout in (by_dvc, by_snakemake):
        assert (checkout.path / "demo/scene_encoder.safetensors").read_text() == "scene_encoder"
    done.append("demo/domain/train_encoder.py", "print('changed')\n")
    assert read_graph().stale() == {"fingerprint_code"}


def test_a_mistake_in_params_yaml_is_one_line_and_no_traceback(done):
    done.change({"inputs.generator": None, "inputs.generater": "x"})
    said = done.fails("snakemake", "--cores", "1", "-n")
    assert "inputs.generater is not known; did you mean inputs.generator?" in said
    assert "Traceback" not in said


def test_a_second_source_of_parameters_is_refused(done):
    said = done.fails("snakemake", "--cores", "1", "-n", "--config", "layer=1")
    assert "change in params.yaml" in said


def test_a_failed_step_fails_the_run_and_says_why(done):
    command = "if __name__ == \"__main__\":\n    raise SystemExit('Error: no ink')\n"
    (done.path / "steps/report.py").write_text(command)
    said = done.fails("snakemake", "--cores", "2")
    assert "Error: no ink" in said
    assert read_graph().stale() == {"report"}


def test_what_a_killed_run_has_noted_as_unfinished_is_dvc_to_judge(done):
    # Snakemake died before it wrote the stamp, the stage itself went on and ended well under DVC.
    noted = done.path / ".snakemake/incomplete"
    noted.mkdir(parents=True, exist_ok=True)
    (noted / b64encode(read_graph().stamp("report").encode()).decode()).touch()
    assert "Nothing to be done" in done.snakemake("-n")


def _jobs(checkout, monkeypatch):
    monkeypatch.chdir(checkout.path)
    return {job.name for job in read_graph()}
