from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artifact_units.errors import UserError
from artifact_units.files import tables

LABELS = {
    "id": [1, 2],
    "label": ["artifact", "normal"],
    "split": ["train", "test"],
    "raters": [1, 1],
}


def test_the_same_rows_give_the_same_bytes(tmp_path) -> None:
    for name in "ab":
        tables.write_table(tmp_path / name, "labels", LABELS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_metadata_comes_back(tmp_path) -> None:
    tables.write_table(tmp_path / "t", "labels", LABELS, {"px": "64"})
    assert tables.metadata_of(tables.read_table(tmp_path / "t", "labels"))["px"] == "64"


def test_a_table_of_another_stage_is_refused_by_name(tmp_path) -> None:
    tables.write_table(tmp_path / "t", "labels", LABELS)
    with pytest.raises(UserError, match="holds labels, not the table 'scores'"):
        tables.read_table(tmp_path / "t", "scores")


def test_a_foreign_table_is_refused(tmp_path) -> None:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "t")
    with pytest.raises(UserError, match="holds a foreign table"):
        tables.read_table(tmp_path / "t", "labels")


def test_another_version_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tables, "VERSION", "0")
    tables.write_table(tmp_path / "t", "labels", LABELS)
    monkeypatch.undo()
    with pytest.raises(UserError, match="version 0 of 'labels'; this is"):
        tables.read_table(tmp_path / "t", "labels")


def test_a_column_of_another_type_is_named(tmp_path) -> None:
    tables.write_table(tmp_path / "t", "labels", LABELS)
    table = pq.read_table(tmp_path / "t")
    notes = table.schema.metadata
    table = table.set_column(0, "id", pa.array([1.0, 2.0])).replace_schema_metadata(notes)
    pq.write_table(table, tmp_path / "t")
    with pytest.raises(UserError, match="column id is double, not id int64"):
        tables.read_table(tmp_path / "t", "labels")


def test_a_missing_column_is_refused(tmp_path) -> None:
    tables.write_table(tmp_path / "t", "labels", LABELS)
    pq.write_table(pq.read_table(tmp_path / "t").drop_columns(["raters"]), tmp_path / "t")
    with pytest.raises(UserError, match="3 columns, not 4"):
        tables.read_table(tmp_path / "t", "labels")


@pytest.mark.parametrize("place", [0.3, 0.6])
def test_a_flipped_bit_is_noticed(tmp_path, place: float) -> None:
    rows = np.random.default_rng(0).integers(0, 2**40, 4000)
    columns = LABELS | {k: v[:1] * 4000 for k, v in LABELS.items()} | {"id": rows}
    tables.write_table(tmp_path / "t", "labels", columns)
    data = bytearray((tmp_path / "t").read_bytes())
    data[int(len(data) * place)] ^= 1
    (tmp_path / "t").write_bytes(data)
    with pytest.raises(UserError, match="not a readable Parquet file"):
        tables.read_table(tmp_path / "t", "labels")


@pytest.mark.parametrize("content", [b"", b"not a table"])
def test_what_is_no_parquet_is_refused_in_one_line(tmp_path, content: bytes) -> None:
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(UserError, match="not a readable Parquet file") as caught:
        tables.read_table(tmp_path / "t", "labels")
    assert "\n" not in str(caught.value)


def test_the_noise_in_a_long_sums_last_digits_does_not_reach_the_file(tmp_path) -> None:
    row = {"correction": ["a"], "repeat": [0], "population": ["b"], "metric": ["c"], "images": [1]}
    for name, noise in (("a", 0.0), ("b", 1e-14)):
        values = {"value": [1 / 3 + noise], "low": [float("nan")], "high": [None]}
        tables.write_table(tmp_path / name, "measurements", row | values)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert tables.read_table(tmp_path / "a", "measurements")["value"].to_pylist() == [0.3333333]


def test_a_column_name_of_two_lines_is_answered_in_one(tmp_path) -> None:
    tables.write_table(tmp_path / "t", "labels", LABELS)
    table = pq.read_table(tmp_path / "t")
    names = ["i\nd", *table.column_names[1:]]
    renamed = table.rename_columns(names).replace_schema_metadata(table.schema.metadata)
    pq.write_table(renamed, tmp_path / "t")
    with pytest.raises(UserError, match="column i d is int64, not id int64"):
        tables.read_table(tmp_path / "t", "labels")
