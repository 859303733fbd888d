"""The ready parameters of the paper's systems are well-formed, and say what to put where."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from artifact_units.errors import UserError
from steps.making.checks import read_params

ROOT = Path(__file__).parents[2]
READY = sorted((ROOT / "params").glob("*.yaml"))


def files_of(values: dict[str, Any]) -> list[str]:
    files = [values["inputs"][key] for key in ("generator", "reals", "labels")]
    return [*files, values["train_classifier"]["weights"], values["extract_features"]["weights"]]


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_ready_parameters_pass_the_check_once_the_files_are_put_there(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no such file"):
        read_params(path)
    shipped = ["params/no_truth", "params/no_heatmaps", "params/no_weights"]
    for file in [*files_of(YAML(typ="safe", pure=True).load(path.read_text())), *shipped]:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).touch()
    read_params(path)


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_every_file_that_must_be_put_somewhere_is_named_in_the_head(path):
    text = path.read_text()
    head, values = text.split("\ninputs:")[0], YAML(typ="safe", pure=True).load(text)
    assert [file for file in files_of(values) if file not in head] == []
    assert f"cp params/{path.name} params.yaml, label, make run" in head


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_the_corrections_edit_only_layers_that_are_scored(path):
    values = YAML(typ="safe", pure=True).load(path.read_text())
    scored = values["collect_featuremaps"]["layers"]
    corrections = values["correct_generations"]["corrections"]
    assert corrections.pop("chosen")["corrector"] == "chosen"  # whose layers are these:
    stops = [{"stop": stop} for stop in values["choose_correction"]["stop"]]
    for correction in [*corrections.values(), *stops]:
        last = correction.get("layer") or f"layer{correction['stop']}"
        assert re.fullmatch(r"layer\d+", last)
        assert last in scored
