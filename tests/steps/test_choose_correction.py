from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from small_known import PATHS, write_known

from artifact_units.corrections.correction import Correction, read_corrections
from artifact_units.files.tables import read_table
from artifact_units.layers.edits import Clip
from steps.choose_correction import main


@pytest.fixture
def folder(tmp_path) -> Path:
    write_known(tmp_path)
    return tmp_path


def choose(folder: Path, out: str, **changed: str) -> Result:
    options = {
        "artifacts": "2",
        "normals": "2",
        "harm": "0.0",
        "ranking": "fixed drawn",
        "corrector": "clip sequential",
        "n": "1 2",
        "start": "1",
        "stop": "3",
        "scale": "0.5",
    } | changed
    line = [f"--{name}={folder / name}" for name in PATHS]
    line += [f"--out={folder / out}", "--device=cpu", "--threads=1", "--batch=4"]
    line += ["--precision=float32", "--no-channels_last"]
    pairs = [(name, value) for name, values in options.items() for value in values.split()]
    line += [text for name, value in pairs for text in (f"--{name}", value)]
    return CliRunner().invoke(main, line)


def test_the_cheapest_of_what_was_tried_is_written_as_the_choice(folder) -> None:
    result = choose(folder, "out")
    assert result.exit_code == 0, result.output
    rows = read_table(folder / "out" / "tried.parquet", "choices").to_pylist()
    # None, the first of each axis, the other ranking, the other corrector, the other n.
    assert len(rows) >= 5
    assert (rows[0]["corrector"], rows[0]["change"]) == ("", 0.0)
    assert [rows[1][k] for k in ("ranking", "corrector")] == ["fixed", "clip"]
    assert rows[1]["options"] == '{"n": 1, "start": 1, "stop": 3}'
    (best,) = [row for row in rows if row["chosen"]]
    assert best["cost"] == min(row["cost"] for row in rows)
    assert f"of {len(rows)} tried, on cpu" in result.output
    assert (read_corrections(folder / "out" / "edits.json") == Correction()) == (best is rows[0])


def test_where_changing_normals_weighs_much_the_one_that_changes_none_is_chosen(folder) -> None:
    assert choose(folder, "out", harm="1e9").exit_code == 0
    rows = read_table(folder / "out" / "tried.parquet", "choices").to_pylist()
    (best,) = [row for row in rows if row["chosen"]]
    assert best["change"] == 0.0


def test_where_none_is_possible_it_is_said_why(folder) -> None:
    result = choose(folder, "out", corrector="clip", ranking="fixed", n="99")
    assert result.exit_code == 0, result.output
    assert "no correction: " in result.output
    assert "of 2 tried (1 not possible: " in result.output


def test_a_clip_that_is_chosen_knows_the_range_of_the_normals(folder) -> None:
    assert choose(folder, "out", corrector="clip", ranking="fixed", n="1").exit_code == 0
    found = read_corrections(folder / "out" / "edits.json")
    for edit in found.layers.values():
        assert isinstance(edit, Clip)
        assert edit.units == (0,)
        assert np.less_equal(edit.low, edit.high).all()


def test_it_writes_the_same_bytes_again(folder) -> None:
    assert choose(folder, "a").exit_code == choose(folder, "b").exit_code == 0
    for name in ("tried.parquet", "edits.json"):
        assert (folder / "a" / name).read_bytes() == (folder / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"ranking": "fixd"},
            "fixd.parquet: no such file; it is the table 'scores' of an earlier stage",
        ),
        ({"corrector": "clp"}, "did you mean 'clip'?"),
        ({"artifacts": "3"}, "2 of the validation split are artifact, 3 are asked for"),
        ({"n": "one"}, "'one' is not a valid integer"),
    ],
)
def test_what_cannot_be_chosen_from_is_said_in_one_line_and_nothing_is_written(
    folder, changed, said
) -> None:
    result = choose(folder, "out", **changed)
    assert result.exit_code != 0
    assert said in result.output
    assert result.output.count("\n") == 1
    assert not (folder / "out").exists()
