"""The grid of cells: which are missing, two processes that make them, one table of all.

Cells are files and no DVC stages: one planting takes half a minute, and as ten stages a cell would
spend as long on starting Python; its parts would go through the disk. A cell that is there is not
made again, whenever the run was stopped; other code or settings ask for other files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from artifact_units.files.schemas import SCHEMAS
from artifact_units.files.tables import read_table, write_parts
from studies.bench.settings import ERRORS, Settings
from studies.bench.work import SECONDS, Cell, key_of, start, work

RESULTS = "truth_bench.parquet"


def cells_of(kinds: Iterable[str], seeds: int) -> list[Cell]:
    """Seed by seed, so that a run that is stopped has every kind of the first seeds."""
    kinds = list(kinds)
    return [Cell(k, seed, e) for seed in range(seeds) for k in kinds for e in ERRORS]


def make(
    cells: Sequence[Cell],
    folder: Path,
    workers: int,
    tell: Callable[[str], None],
    settings: Settings | None = None,
) -> tuple[Path, float]:
    """Make the missing cells, and the table of all ``cells``; its path, and their cpu-seconds."""
    settings = settings or Settings()
    # Spawned: a fresh process has imported what its work needs, and nothing else.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), start)
    with pool:
        key = pool.submit(key_of, settings).result()
        jobs = defaultdict(list)
        for cell in cells:
            if not cell.path(folder, key).is_file():
                jobs[cell.kind, cell.seed].append(cell)
        tell(f"{len(cells)} cells, {sum(map(len, jobs.values()))} of them to be made")
        running = [pool.submit(work, job, folder, key, settings) for job in jobs.values()]
        try:
            for number, job in enumerate(as_completed(running), 1):
                job.result()
                tell(f"{number} of {len(running)} plantings")
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    tables = [read_table(cell.path(folder, key), "truth_bench") for cell in cells]
    names = SCHEMAS["truth_bench"].names
    parts = [{name: table[name].to_pylist() for name in names} for table in tables]
    write_parts(folder / RESULTS, "truth_bench", parts)
    return folder / RESULTS, sum(seconds_of(cell.path(folder, key)) for cell in cells)


def seconds_of(path: Path) -> float:
    """The cpu-seconds of a cell, from the log beside it; 0 where that is lost."""
    log = path.with_suffix(SECONDS)
    return float(log.read_text(encoding="utf-8")) if log.is_file() else 0.0
