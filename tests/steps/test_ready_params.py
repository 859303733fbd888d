"""The ready parameters hold what differs from the defaults, and say what to put where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from artifact_units.errors import UserError
from steps.making.checks import read_overlay, read_params
from steps.making.embedded import Embedded
from steps.making.overlays import written
from steps.making.parameters import Params
from steps.making.values import validated

ROOT = Path(__file__).parents[2]
READY = sorted((ROOT / "params").glob("*.yaml"))
EMBEDDED = ROOT / "params/embedded.yaml"
SYSTEMS = [path for path in READY if path != EMBEDDED]
OVERLAYS = [*READY, ROOT / "studies/natural/params.yaml"]


def load(text: str) -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(text)


def files_of(params: Params) -> list[str]:
    inputs = params.inputs
    weights = [params.train_classifier.weights, params.extract_features.weights]
    return [inputs.generator, inputs.reals, inputs.labels, *weights]


def defaults_in(model: type[BaseModel], values: dict[str, Any], place: str) -> Iterator[str]:
    """The places of ``values`` where a default is named again."""
    for key in values.keys() & model.model_fields.keys():  # others are options of a method
        field, value = model.model_fields[key], values[key]
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from defaults_in(kind, value, f"{key}.")
        elif not field.is_required() and field.default == value:
            yield f"{place}{key}"


@pytest.mark.parametrize("path", SYSTEMS, ids=lambda path: path.stem)
def test_ready_parameters_pass_the_check_once_the_files_are_put_there(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params, whole = read_overlay(path), Path("params.yaml")
    whole.write_text(written(params, path), encoding="utf-8")
    with pytest.raises(UserError, match="no such file"):
        read_params(whole)
    shipped = ["params/no_truth", "params/no_heatmaps", "params/no_weights"]
    for file in [*files_of(params), *shipped]:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).touch()
    assert read_params(whole) == params


@pytest.mark.parametrize("path", SYSTEMS, ids=lambda path: path.stem)
def test_every_file_that_must_be_put_somewhere_is_named_in_the_head(path):
    head = path.read_text().split("\ninputs:")[0]
    assert [file for file in files_of(read_overlay(path)) if file not in head] == []
    assert f"make params FROM=params/{path.name}, label, make run" in head


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_the_corrections_edit_only_layers_that_are_scored(path):
    values = load(path.read_text())
    scored = values["collect_featuremaps"]["layers"]
    corrections = values["fit_corrections"]["corrections"]
    for correction in corrections.values():
        stops = correction.get("stop", [])
        named = correction.get("layer") or [f"layer{s}" for s in np.atleast_1d(stops)]
        for last in np.atleast_1d(named):
            assert re.fullmatch(r"layer\d+", last)
            assert last in scored


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_every_method_of_the_paper_is_searched_beside_its_fixed_values(path):
    corrections = load(path.read_text())["fit_corrections"]["corrections"]
    for method in ("ablation", "sequential"):
        rows = [row for row in corrections.values() if row["corrector"] == method]
        searched = [any(isinstance(v, list) for v in row.values()) for row in rows]
        assert set(searched) == {True, False}


@pytest.mark.parametrize("path", OVERLAYS, ids=lambda path: path.stem)
def test_no_overlay_names_a_value_that_is_the_default(path):
    assert [*defaults_in(Params, load(path.read_text()), "")] == []


def test_params_yaml_is_what_the_embedded_domain_and_the_defaults_say():
    origin = EMBEDDED.relative_to(ROOT)
    said = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert said == written(read_overlay(EMBEDDED), origin), "run `make params`"


def test_the_embedded_domain_has_values_of_its_own_apart_from_every_other():
    values = load((ROOT / "demo/params.yaml").read_text(encoding="utf-8"))
    assert validated(Embedded, values).plant_defects.tries == 20
    assert set(values).isdisjoint(Params.model_fields)


def test_what_is_written_reads_as_what_was_given(tmp_path):
    # Numbers that YAML may take for text, texts that it may take for something else.
    given = load(EMBEDDED.read_text())
    given["train_classifier"] |= {"rate": 1e-05, "frozen": True}
    given["inputs"]["labels"] = "no"
    given["score_units"]["rankings"]["1"] = {"ranking": "unit_fid", "top": 0.5}
    own = tmp_path / "own.yaml"
    YAML(typ="safe", pure=True).dump(given, own)
    params = read_overlay(own)
    whole = load(written(params, own))
    assert whole["train_classifier"]["rate"] == 1e-05
    assert whole["inputs"]["labels"] == "no"
    assert whole["score_units"]["rankings"]["1"]["top"] == 0.5
    assert validated(Params, whole) == params


def test_a_table_of_an_overlay_stands_in_place_of_the_default_one(tmp_path):
    given = load(SYSTEMS[0].read_text())
    given["score_units"] = {"rankings": {"only": {"ranking": "contrast"}}}
    for row in given["fit_corrections"]["corrections"].values():
        row["ranking"] = "only"
    own = tmp_path / "own.yaml"
    YAML(typ="safe", pure=True).dump(given, own)
    assert [*read_overlay(own).score_units.rankings] == ["only"]
