from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_bench import TINY

from artifact_units.files.tables import read_table
from studies.bench import grid
from studies.bench.grid import cells_of, make
from studies.bench.kinds import KINDS
from studies.bench.settings import ERRORS
from studies.bench.work import Cell

ONE = replace(TINY, methods=("none",))
CELLS = [Cell("easy", 0, 0.0), Cell("easy", 0, 0.1)]


def test_a_grid_has_a_cell_a_kind_seed_and_error_and_the_first_seed_comes_first() -> None:
    cells = cells_of(KINDS, 2)
    assert len(set(cells)) == len(cells) == 2 * len(KINDS) * len(ERRORS)
    assert [c.seed for c in cells] == sorted(c.seed for c in cells)


def test_another_key_is_another_file_and_so_is_another_cell() -> None:
    cell, key = CELLS[0], "a" * 64
    paths = {c.path(Path("here"), k) for c in CELLS for k in (key, "b" * 64)}
    assert len(paths) == 4
    assert cell.path(Path("here"), key) == Path("here/cells/easy-00-0-aaaaaaaaaaaa.parquet")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, list[str]]:
    folder, told = tmp_path_factory.mktemp("bench"), []
    make(CELLS[:1], folder, 1, told.append, ONE)
    return folder, told


def test_a_cell_that_is_there_is_not_made_again_and_is_in_the_table(made) -> None:
    folder, told = made
    assert told == ["1 cells, 1 of them to be made", "1 of 1 plantings"]
    (first,) = (folder / "cells").glob("*.parquet")
    before, table = first.stat().st_mtime_ns, (folder / grid.RESULTS).read_bytes()
    told.clear()
    make(CELLS[:1], folder, 1, told.append, ONE)
    assert told == ["1 cells, 0 of them to be made"]
    assert first.stat().st_mtime_ns == before
    assert (folder / grid.RESULTS).read_bytes() == table
    rows = read_table(folder / grid.RESULTS, "truth_bench").to_pylist()
    assert {(row["kind"], row["seed"], row["error"]) for row in rows} == {("easy", 0, 0.0)}
    assert {"none", "ceiling", "oracle"} <= {row["method"] for row in rows}


def test_the_seconds_of_a_cell_lie_beside_it_and_their_sum_is_returned(made) -> None:
    folder, _ = made
    (log,) = (folder / "cells").glob("*.seconds")
    _, seconds = make(CELLS[:1], folder, 1, lambda _: None, ONE)
    assert seconds == grid.seconds_of(log.with_suffix(".parquet")) == float(log.read_text()) > 0
    assert grid.seconds_of(folder / "cells" / "none.parquet") == 0
