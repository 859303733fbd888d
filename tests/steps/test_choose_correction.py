from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from small_fit import fit
from small_known import write_known

from artifact_units.corrections.correction import Correction, read_corrections
from steps.choose_correction import main

ROW = ("--corrections.{0}.ranking=fixed", "--corrections.{0}.corrector=ablation")


@pytest.fixture
def folder(tmp_path) -> Path:
    write_known(tmp_path)
    assert fit(tmp_path, "fitted/none", corrector="ablation", layer="layer2", n="0").exit_code == 0
    assert fit(tmp_path, "fitted/some", corrector="clip", stop="3", n="2").exit_code == 0
    return tmp_path


def choose(folder: Path, *names: str, harm: str = "10.0") -> Result:
    line = [f"--fitted={folder / 'fitted'}", f"--out={folder / 'out'}", f"--harm={harm}"]
    line += ["--artifacts=2", "--normals=2", "--budget=3"]
    line += [word.format(name) for name in names for word in ROW]
    return CliRunner().invoke(main, [w for word in line for w in word.split("=")])


def test_where_changing_normals_weighs_much_nothing_is_chosen(folder) -> None:
    result = choose(folder, "none", "some", harm="1e9")
    assert result.exit_code == 0, result.output
    assert "none, of 2 corrections" in result.output
    assert json.loads((folder / "out" / "choice.json").read_text()) == {"correction": "none"}
    found = read_corrections(folder / "out" / "edits.json")
    assert found == read_corrections(folder / "fitted" / "none" / "edits.json") != Correction()


def test_corrections_that_are_not_named_are_not_looked_at(folder) -> None:
    assert choose(folder, "some").exit_code == 0
    assert json.loads((folder / "out" / "choice.json").read_text()) == {"correction": "some"}


def test_a_correction_that_was_not_fitted_is_said_in_one_line(folder) -> None:
    result = choose(folder, "none", "other")
    assert result.exit_code == 1
    assert "fitted/other/edits.json" in result.output
    assert result.output.count("\n") == 1
    assert not (folder / "out").exists()
