"""Every Parquet table between two stages: its columns, and its version in the file's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from artifact_units.errors import UserError
from artifact_units.storage import whole_file

VERSION = "1"
_REPEAT = ("repeat", pa.int16())  # 0, or which repeat of a seeded ranking
SCHEMAS = {
    # uint8 pixels of one image, [3, px, px] in C order; metadata: px
    "images": pa.schema([("id", pa.int64()), _REPEAT, ("image", pa.binary())]),
    "labels": pa.schema(
        [
            ("id", pa.int64()),
            ("label", pa.string()),  # artifact, normal
            ("split", pa.string()),  # train, validation, test
            ("raters", pa.int16()),
        ]
    ),
    # logits of the three classes and the native heatmap, [rows * cols]; metadata: rows, cols
    "heatmaps": pa.schema(
        [
            ("id", pa.int64()),
            ("part", pa.string()),  # labelled, heldout
            ("artifact", pa.float32()),
            ("normal", pa.float32()),
            ("real", pa.float32()),
            ("heatmap", pa.list_(pa.float32())),
        ]
    ),
    # how often each half-precision bit pattern occurred: 65,536 counts a unit
    "histograms": pa.schema(
        [("layer", pa.string()), ("unit", pa.int32()), ("counts", pa.list_(pa.uint32()))]
    ),
    # the spatial maximum of every unit of a layer in one unlabelled generation
    "maxima": pa.schema(
        [("layer", pa.string()), ("id", pa.int64()), ("maxima", pa.list_(pa.float32()))]
    ),
    "scores": pa.schema(
        [
            ("ranking", pa.string()),
            _REPEAT,
            ("layer", pa.string()),
            ("unit", pa.int32()),
            ("score", pa.float64()),
            ("normalised_score", pa.float64()),
            ("rank", pa.int32()),  # 1 = most defective of its layer
            ("mean_iou", pa.float64()),  # NaN where a ranking looks at no mask
            ("chance_iou", pa.float64()),
            ("images", pa.int32()),
            ("score_low", pa.float64()),  # 95 % bootstrap interval over images
            ("score_high", pa.float64()),
        ]
    ),
    # metadata: extractor
    "features": pa.schema(
        [("id", pa.int64()), _REPEAT, ("features", pa.list_(pa.float32()))]
    ),
    "measurements": pa.schema(
        [
            ("correction", pa.string()),
            _REPEAT,
            ("population", pa.string()),  # artifacts, normals
            ("metric", pa.string()),
            ("value", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("images", pa.int32()),
        ]
    ),
}


def write_table(
    path: Path, kind: str, columns: Mapping[str, Any], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a table of a known kind; the same rows give the same bytes."""
    schema = SCHEMAS[kind]
    arrays = [pa.array(columns[f.name], type=f.type) for f in schema]
    notes = {"artifact_units.table": kind, "artifact_units.version": VERSION, **(metadata or {})}
    table = pa.Table.from_arrays(arrays, schema=schema.with_metadata(notes))
    with whole_file(path) as part:
        pq.write_table(table, part, compression="zstd", write_page_checksum=True)


def read_table(path: Path, kind: str) -> pa.Table:
    """Read a table if it is of this kind and version, else say in one line what it is."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; it is the table {kind!r} of an earlier stage")
    try:
        table = pq.read_table(path, page_checksum_verification=True)
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: not a readable Parquet file ({reason}); make it anew") from None
    notes = metadata_of(table)
    found, version = notes.get("artifact_units.table"), notes.get("artifact_units.version")
    if found != kind:
        raise UserError(f"{path}: holds {found or 'a foreign table'}, not the table {kind!r}")
    if version != VERSION:
        raise UserError(f"{path}: version {version} of {kind!r}; this is {VERSION}: make it anew")
    for wanted, got in zip(SCHEMAS[kind], table.schema, strict=False):
        if wanted != got.with_nullable(wanted.nullable):
            raise UserError(f"{path}: column {got.name} is {got.type}, not {wanted.name} {wanted.type}")
    if len(table.schema) != len(SCHEMAS[kind]):
        raise UserError(f"{path}: {len(table.schema)} columns, not {len(SCHEMAS[kind])}; make it anew")
    return table


def metadata_of(table: pa.Table) -> dict[str, str]:
    """The text metadata of a table."""
    return {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
