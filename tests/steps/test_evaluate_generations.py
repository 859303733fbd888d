from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from small_evaluation import sources, write_run

from artifact_units.evaluation.measurements import read_measurements
from artifact_units.files.tables import read_table
from steps.evaluate_generations import main

VALUES = {
    "mask_threshold": 0.5,
    "neighbours": 2,
    "subsets": 3,
    "subset_size": 4,
    "bootstrap": 5,
    "seed": 0,
    "weights": "params/no_weights",
    "artifacts": 8,
    "normals": 6,
    "device": "cpu",
    "threads": 1,
    "batch": 4,
    "precision": "float32",
}
ENTRY = {"ranking": "defective_score", "corrector": "ablation", "layer": "layer4", "n": 0}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    write_run(folder)
    return folder


def evaluate(made, out, corrections):
    """The command line that dvc.yaml makes, over a list of corrections."""
    given = {**VALUES, **vars(sources(made)), "out": out / "m", "changes": out / "c"}
    given["differences"] = out / "d"
    given |= {"metrics": out / "m.json", "plots": out / "plots"}
    given |= {f"corrections.{name}.{k}": v for name in corrections for k, v in ENTRY.items()}
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    return CliRunner().invoke(main, [*words, "--no-channels_last"])


def test_all_that_dvc_expects_is_written(made, tmp_path) -> None:
    result = evaluate(made, tmp_path, ["none", "half"])
    assert result.exit_code == 0, result.output
    found = read_measurements(tmp_path / "m")
    assert {m.correction for m in found if m.population == "normals"} == {"none", "half", "clean"}
    assert set(read_table(tmp_path / "c", "changes")["correction"].to_pylist()) == {"half"}
    assert set(read_table(tmp_path / "d", "differences")["other"].to_pylist()) == {"none", "half"}
    numbers = json.loads((tmp_path / "m.json").read_text())
    assert set(numbers["frechet_mixed"]) == {"none", "half", "clean"}
    assert numbers["mask_iou"] == 0.5
    bars = sorted(p.stem for p in (tmp_path / "plots").iterdir())
    assert bars == ["frechet", "pixel_recovery", "psnr", "realism"]


def test_two_runs_write_the_same_bytes(made, tmp_path) -> None:
    for name in "ab":
        assert evaluate(made, tmp_path / name, ["none", "half"]).exit_code == 0
    for file in ("m", "c", "d", "m.json", "plots/frechet.csv", "plots/psnr.csv"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_a_list_without_the_uncorrected_row_is_one_line(made, tmp_path) -> None:
    result = evaluate(made, tmp_path, ["half"])
    assert result.exit_code == 1
    assert "has no 'none', the uncorrected row" in result.output
    assert result.output.count("\n") == 1
    assert not list(tmp_path.iterdir())
