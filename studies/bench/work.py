"""What a worker process does: the missing cells of one planting, each written whole."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch

from artifact_units import registry
from artifact_units.computing import devices
from artifact_units.files.storage import sha256_of, write_text
from artifact_units.files.tables import write_table
from studies.bench.cell import Found, found_of
from studies.bench.methods import METHODS, RANKINGS
from studies.bench.settings import Settings
from studies.bench.stand import SHIPPED, stand_of

ROOT = Path(__file__).parents[2]
SECONDS = ".seconds"
NETWORKS = ("church_generator.safetensors", "scene_encoder.safetensors")


@dataclass(frozen=True)
class Cell:
    """A kind, a seed, a rate of wrong labels."""

    kind: str
    seed: int
    error: float

    def path(self, folder: Path, key: str) -> Path:
        """Where its results lie; another ``key``, other results."""
        return folder / "cells" / f"{self.kind}-{self.seed:02d}-{self.error:g}-{key[:12]}.parquet"


def start() -> None:
    """Prepare a worker: one thread, with which two workers on two cores are fastest."""
    devices.prepare("cpu", threads=1)


def key_of(settings: Settings) -> str:
    """What the results of a cell depend on: settings, networks, and the code imported here."""
    for ranking in RANKINGS.values():
        registry.take("rankings", ranking.file)
    for method in METHODS.values():
        registry.take("correctors", method.corrector)
    files = {SHIPPED / name for name in NETWORKS}
    for name, module in sys.modules.items():
        if name.split(".")[0] in ("artifact_units", "demo", "studies") and module.__file__:
            files.add(Path(module.__file__))
    sums = {str(file.relative_to(ROOT)): sha256_of(file) for file in sorted(files)}
    said = json.dumps([asdict(settings), sums, torch.__version__], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def work(cells: Sequence[Cell], folder: Path, key: str, settings: Settings) -> None:
    """Make the results of cells of one planting; beside each, a log of its cpu-seconds.

    The first pays for what they share.
    """
    begun = time.process_time()
    stand = stand_of(cells[0].kind, cells[0].seed, settings)
    for cell in cells:
        path = cell.path(folder, key)
        write_cell(path, cell, found_of(stand, cell.seed, cell.error))
        ended = time.process_time()
        write_text(path.with_suffix(SECONDS), f"{ended - begun:.1f}\n")
        begun = ended


def write_cell(path: Path, cell: Cell, found: Sequence[Found]) -> None:
    """Write the table ``truth_bench`` of one cell."""
    columns = {f.name: [getattr(cell, f.name)] * len(found) for f in fields(Cell)}
    columns |= {f.name: [getattr(row, f.name) for row in found] for f in fields(Found)}
    write_table(path, "truth_bench", columns)
