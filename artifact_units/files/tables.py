"""Every Parquet table between two stages, by its kind and version in the file's metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from artifact_units.errors import UserError
from artifact_units.files.schemas import SCHEMAS
from artifact_units.files.storage import whole_file

VERSION = "1"


def write_table(
    path: Path, kind: str, columns: Mapping[str, Any], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a table of a known kind; the same rows give the same bytes."""
    write_parts(path, kind, [columns], metadata)


def write_parts(
    path: Path,
    kind: str,
    parts: Iterable[Mapping[str, Any]],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a table part by part, a row group each; one part in memory at a time."""
    notes = {"artifact_units.table": kind, "artifact_units.version": VERSION, **(metadata or {})}
    schema = SCHEMAS[kind].with_metadata(notes)
    options = {"compression": "zstd", "write_page_checksum": True}
    with whole_file(path) as file, pq.ParquetWriter(file, schema, **options) as writer:
        for columns in parts:
            arrays = [_array(columns[f.name], f.type) for f in schema]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    # A float64 is the end of a long sum, whose last digits depend on how a linear-algebra library
    # shared the work out at that moment: 7 digits are the result, the rest would be noise.
    if kind == pa.float64():
        values = [None if v is None else float(f"{v:.7g}") for v in values]
    return pa.array(values, type=kind)


def read_table(path: Path, kind: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a table (or some columns of it) if it is of this kind and version.

    Else say in one line what it is. Pages whose checksum is wrong are refused.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; it is the table {kind!r} of an earlier stage")
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _check(path, kind, file.schema_arrow)
            table = file.read(columns)
            _text(table.schema)  # its metadata has no checksum
            return table
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:  # names are bytes, too
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path}: not a readable Parquet file ({reason}); make it anew") from None


def _check(path: Path, kind: str, schema: pa.Schema) -> None:
    notes = _text(schema)
    keys = ("artifact_units.table", "artifact_units.version")
    found, version = (" ".join(notes.get(key, "").split()) for key in keys)  # they hold anything
    if found != kind:
        raise UserError(f"{path}: holds {found or 'a foreign table'}, not the table {kind!r}")
    if version != VERSION:
        raise UserError(f"{path}: version {version} of {kind!r}; this is {VERSION}: make it anew")
    wanted = SCHEMAS[kind]
    for a, b in zip(wanted, schema, strict=False):
        if a.name != b.name or a.type != b.type:
            held = " ".join(f"{b.name} is {b.type}".split())
            raise UserError(f"{path}: column {held}, not {a.name} {a.type}")
    if len(schema) != len(wanted):
        raise UserError(f"{path}: {len(schema)} columns, not {len(wanted)}; make it anew")


def matrix_of(column: pa.ChunkedArray) -> np.ndarray:
    """A list column whose rows are equally long, as ``[row, value]``; a copy."""
    flat = column.combine_chunks().flatten().to_numpy()
    return flat.reshape(len(column), -1).copy()


def lists_of(matrix: np.ndarray) -> pa.ListArray:
    """The inverse of ``matrix_of``: a list a row, without a Python object a row."""
    rows, width = matrix.shape
    return pa.ListArray.from_arrays(np.arange(rows + 1, dtype=np.int32) * width, matrix.ravel())


def metadata_of(table: pa.Table) -> dict[str, str]:
    """The text metadata of a table."""
    return _text(table.schema)


def _text(schema: pa.Schema) -> dict[str, str]:
    return {k.decode(): v.decode() for k, v in (schema.metadata or {}).items()}
