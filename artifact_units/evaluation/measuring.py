"""Everything that is measured of a run, from what the earlier stages wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact_units.classifier.heatmaps import read_heatmaps
from artifact_units.evaluation.agreement import heldout_agreement
from artifact_units.evaluation.changes import (
    Changes,
    change_measurements,
    changes_of,
    write_changes,
)
from artifact_units.evaluation.differences import Difference, differences, write_differences
from artifact_units.evaluation.distances import distances, noise, recoveries
from artifact_units.evaluation.measurements import Measurement, headed, write_measurements
from artifact_units.evaluation.rows import (
    UNCORRECTED,
    Estimate,
    Row,
    Settings,
    check_extractor,
    clean_rows,
    open_rows,
    uncorrected,
)
from artifact_units.evaluation.truth import open_truth
from artifact_units.images.features import read_features


@dataclass(frozen=True)
class Sources:
    """Where the earlier stages left what is measured."""

    corrected: Path  # a folder a correction
    features: Path  # a table a correction
    references: Path  # tables reals and, with a truth, clean and reference
    heatmaps: Path
    truth: Path  # a folder; without units.json the truth is not known


@dataclass(frozen=True)
class Evaluation:
    """All measurements, what rows differ by, what each correction changed in each generation."""

    extractor: str
    measurements: list[Measurement]
    differences: list[Difference]
    changes: list[tuple[Row, Changes]]


def evaluate(
    sources: Sources, corrections: Sequence[str], threshold: float, settings: Settings
) -> Evaluation:
    """Measure the ``corrections``; a heatmap above ``threshold`` is mask."""
    reals = read_features(sources.references / "reals.parquet")
    heatmaps = read_heatmaps(sources.heatmaps)
    rows = open_rows(sources.corrected, sources.features, corrections, reals.extractor)
    truth = open_truth(sources.truth)
    clean = truth.clean if truth else None
    once: list[Measurement] = []
    found: list[Estimate] = []
    if truth is not None:
        tables = [
            read_features(sources.references / f"{n}.parquet") for n in ("clean", "reference")
        ]
        for table in tables:
            check_extractor(table, reals.extractor)
        rows += clean_rows(rows, truth, tables[0])
        found += recoveries(rows, tables[1], settings)
        once.append(noise(tables[1]))
        heldout = read_heatmaps(sources.heatmaps, "heldout")
        once += heldout_agreement(heldout, truth, threshold, settings)
    found += distances(rows, reals, settings)
    moved = []
    for row in rows:
        if row.correction != UNCORRECTED:
            before = uncorrected(rows, row.population).images
            given = heatmaps, threshold, clean, settings.perceptual
            changes = changes_of(row, before, *given)
            moved.append((row, changes))
            found += change_measurements(row, changes, settings.counts(len(row.ids)))
    measurements = [*once, *(estimate.measurement for estimate in found)]
    paired = list(differences(found, headed(reals.extractor).values()))
    return Evaluation(reals.extractor, measurements, paired, moved)


def write_tables(done: Evaluation, measured: Path, differing: Path, changed: Path) -> None:
    """Write the tables ``measurements``, ``differences`` and ``changes``."""
    write_measurements(measured, done.measurements)
    write_differences(differing, done.differences)
    write_changes(changed, done.changes)
