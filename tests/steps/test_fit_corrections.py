from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_fit import fit
from small_known import write_known

from artifact_units.corrections.correction import read_corrections
from artifact_units.files.tables import read_table
from artifact_units.layers.edits import Clip, Scale
from artifact_units.layers.latent_edits import Truncate


@pytest.fixture
def folder(tmp_path) -> Path:
    write_known(tmp_path)
    return tmp_path


def tried(folder: Path) -> list[dict]:
    return read_table(folder / "tried.parquet", "tried").to_pylist()


def test_fixed_options_give_their_edits_and_one_candidate(folder) -> None:
    options = {"corrector": "sequential", "stop": "3", "n": "2", "scale": "0.5"}
    result = fit(folder, "out", **options)
    assert result.exit_code == 0, result.output
    assert "1 tried on cpu" in result.output
    # Scores .8 and .6 of the two worst: 0.5 * (1 - .8) and 0.5 * (1 - .6).
    found = read_corrections(folder / "out" / "edits.json")
    assert list(found.layers) == ["layer1", "layer2", "layer3"]
    edit = found.layers["layer3"]
    assert isinstance(edit, Scale)
    assert edit.units == (0, 1)
    assert edit.factors == pytest.approx((0.1, 0.2))


def test_values_in_a_list_are_searched_and_the_taken_ones_give_the_edits(folder) -> None:
    result = fit(folder, "out", corrector="clip", stop="1 2 3", n="1 2")
    assert result.exit_code == 0, result.output
    rows = tried(folder / "out")
    assert rows[0]["options"] == '{"stop": 1, "n": 1}'
    assert len(rows) >= 4
    (best,) = [row for row in rows if row["taken"]]
    found = read_corrections(folder / "out" / "edits.json")
    stop = int(best["options"].split('"stop": ')[1][0])
    assert list(found.layers) == ["layer1", "layer2", "layer3"][:stop]
    for edit in found.layers.values():
        assert isinstance(edit, Clip)
        assert np.less_equal(edit.low, edit.high).all()
    costs = read_table(folder / "out" / "costs.parquet", "costs")
    assert costs["id"].to_pylist() == [8, 10, 9, 11]
    assert np.mean(costs["probability"].to_pylist()[:2]) == pytest.approx(best["artifacts"])


def test_every_repeat_has_its_own_edits(folder) -> None:
    options = {"corrector": "ablation", "layer": "layer3", "n": "1", "ranking": "drawn"}
    assert fit(folder, "out", **options).exit_code == 0
    edits = [read_corrections(folder / "out" / "edits.json", repeat) for repeat in (0, 1)]
    assert [e.layers["layer3"] for e in edits] == [Scale((0,), (0.0,)), Scale((3,), (0.0,))]


def test_a_gate_and_an_edit_of_latents_are_written_as_well(folder) -> None:
    assert fit(folder, "out", corrector="truncation", bound="0.7", gate="0.5").exit_code == 0
    found = read_corrections(folder / "out" / "edits.json")
    assert (found.latent, found.gate) == (Truncate(0.7), 0.5)


def test_it_writes_the_same_bytes_again(folder) -> None:
    for name in ("a", "b"):
        assert fit(folder, name, corrector="clip", stop="3", n="1 2").exit_code == 0
    for name in ("tried.parquet", "costs.parquet", "edits.json"):
        assert (folder / "a" / name).read_bytes() == (folder / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ranking": "fixd"}, "fixd.parquet' does not exist"),
        ({"corrector": "clp"}, "did you mean 'clip'?"),
        ({"artifacts": "3"}, "2 of the validation split are artifact, 3 are asked for"),
        ({"n": "99"}, "n is 99; layer1 has 4 units"),
        ({"n": "one"}, "option n is 'one'; it takes int"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_one_line_and_nothing_is_written(
    folder, changed, said
) -> None:
    result = fit(folder, "out", **{"corrector": "clip", "stop": "3", "n": "1", **changed})
    assert result.exit_code != 0
    assert said in result.output
    assert result.output.count("\n") == 1
    assert not (folder / "out").exists()
