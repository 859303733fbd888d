"""How far the values of two files are apart: tables, tensors, numbers as text."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Apart:
    """The largest difference between two files' values, in words; infinite of other shapes."""

    distance: float
    words: str


def furthest(file: Path, other: Path) -> Apart | None:
    """The values furthest apart, read by ``other``'s ending; None where the bytes are equal."""
    if file.read_bytes() == other.read_bytes():
        return None
    read = READERS.get(other.suffix)
    if read is None:
        return Apart(0.0, "other bytes")
    first, second = dict(read(file)), dict(read(other))
    if {k: v.shape for k, v in first.items()} != {k: v.shape for k, v in second.items()}:
        return Apart(np.inf, "other names or shapes")
    gaps = {name: _gap(values, second[name]) for name, values in first.items()}
    name = max(gaps, key=lambda key: gaps[key], default="")
    if not gaps.get(name):
        return Apart(0.0, "equal numbers in other bytes")
    return Apart(gaps[name], f"{name} differs by up to {gaps[name]:.3g}")


def numbers_of(value: Any, name: str = "") -> dict[str, float]:
    """Every number in nested JSON, by its dotted place."""
    if isinstance(value, Mapping):
        parts = (numbers_of(v, f"{name}.{k}".lstrip(".")) for k, v in value.items())
    elif isinstance(value, list):
        parts = (numbers_of(v, f"{name}.{k}") for k, v in enumerate(value))
    else:
        return {name: float(value)} if isinstance(value, int | float) else {}
    return {key: number for part in parts for key, number in part.items()}


def _gap(values: np.ndarray, others: np.ndarray) -> float:
    both = np.isnan(values) & np.isnan(others)
    return float(np.nan_to_num(np.abs(values - others), nan=np.inf)[~both].max(initial=0))


def _of_table(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(file)
    for name in table.column_names:
        column = table[name].combine_chunks()
        while pa.types.is_list(column.type):
            column = column.flatten()
        if pa.types.is_binary(column.type):
            raw = b"".join(v or b"" for v in column.to_pylist())
            yield name, np.frombuffer(raw, np.uint8).astype(np.float64)
        elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            yield name, column.to_numpy(zero_copy_only=False).astype(np.float64)


def _of_tensors(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    from safetensors.numpy import load

    for name, values in load(file.read_bytes()).items():
        yield name, values.astype(np.float64)


def _of_json(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    for name, number in numbers_of(json.loads(file.read_text(encoding="utf-8"))).items():
        yield name, np.array(number)


def _of_csv(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    with file.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines)):
            for name, text in row.items():
                try:
                    yield f"row {number} {name}", np.array(float(text))
                except (TypeError, ValueError):
                    continue


READERS = {
    ".parquet": _of_table,
    ".safetensors": _of_tensors,
    ".json": _of_json,
    ".csv": _of_csv,
}
