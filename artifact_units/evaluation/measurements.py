"""What was measured of what, in long form, and the few numbers and bars that are looked at first.

Metrics of an image set end in their extractor (``metric_name``). Populations:

artifacts, normals: the generations that are so by truth or label (``selection.py``), as each
    correction makes them. Against the reals: frechet, kernel, precision, recall, realism,
    realistic. Against the correction none, as in the table of changes: inside, outside (mean
    absolute change in the mask and outside it, unit range), psnr (dB, of the change: the median),
    changed (fraction of pixels), unchanged (share of images without a changed pixel), perceptual
    (ST-LPIPS, where its weights are there). Where the truth is known, of artifacts:
    frechet..._reference, recovery..., pixel_recovery.
heldout: the masks and the classifier against the truth: mask_iou, mask_iou_chance (the mask of
    another generation), classifier_agreement.
reference: frechet..._reference of two halves of the clean generator's generations: the noise.
units: average_precision_<layer> and mean_average_precision of each ranking.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from artifact_units.files.storage import whole_folder, write_text
from artifact_units.files.tables import read_table, write_table

NAN = float("nan")


@dataclass(frozen=True)
class Measurement:
    """One value; ``low`` and ``high`` bound its 95 % bootstrap interval, NaN where it has none."""

    correction: str  # also clean, reference; of units: the ranking, or chance
    repeat: int
    population: str
    metric: str
    value: float
    low: float = NAN
    high: float = NAN
    images: int = 0  # images measured; of units: units


@dataclass(frozen=True)
class Summary:
    """All repeats of a measurement: their mean; of several, low and high are one deviation off."""

    value: float
    low: float
    high: float
    images: int
    repeats: int


def metric_name(name: str, extractor: str) -> str:
    """The name with its extractor: FID and KID are Inception's alone."""
    own = {"frechet": "fid", "kernel": "kid"} if extractor == "inception" else {}
    return own.get(name, f"{name}_{extractor}")


def write_measurements(path: Path, rows: Sequence[Measurement]) -> None:
    """Write the table of measurements."""
    columns = {f.name: [getattr(row, f.name) for row in rows] for f in fields(Measurement)}
    write_table(path, "measurements", columns)


def read_measurements(path: Path) -> list[Measurement]:
    """The table of measurements."""
    return [Measurement(**row) for row in read_table(path, "measurements").to_pylist()]


def summarise(rows: Iterable[Measurement]) -> dict[tuple[str, str, str], Summary]:
    """``(correction, population, metric)`` -> its repeats as one, in the order of ``rows``."""
    groups: dict[tuple[str, str, str], list[Measurement]] = defaultdict(list)
    for row in rows:
        groups[row.correction, row.population, row.metric].append(row)
    return {key: _summary(group) for key, group in groups.items()}


def headline(rows: Iterable[Measurement], extractor: str) -> str:
    """What ``dvc exp show`` says of corrections, as JSON: ``{metric: {correction: value}}``."""
    recovery = ("artifacts", metric_name("recovery", extractor))
    return as_json(rows, {*headed(extractor).values(), recovery, ("heldout", "mask_iou")})


def precision_of(rows: Iterable[Measurement]) -> str:
    """What ``dvc exp show`` says of rankings, as JSON: ``{metric: {ranking: value}}``."""
    return as_json(rows, {("units", "mean_average_precision")})


def as_json(rows: Iterable[Measurement], wanted: Set[tuple[str, str]]) -> str:
    """The wanted ``(population, metric)``, by metric and correction or ranking; six digits."""
    out: dict[str, dict[str, float]] = defaultdict(dict)
    for (correction, population, metric), found in summarise(rows).items():
        if (population, metric) in wanted and math.isfinite(found.value):
            out[metric][correction] = float(f"{found.value:.6g}")
    flat = {metric: v["none"] if metric == "mask_iou" else v for metric, v in out.items()}
    return json.dumps(flat, indent=2, sort_keys=True) + "\n"


def write_bars(folder: Path, rows: Sequence[Measurement], extractor: str) -> None:
    """CSV files for bar plots: of the artifacts ``frechet``, ``realism`` and ``pixel_recovery``
    (no rows without a truth), of the normals' change ``psnr``.
    """
    with whole_folder(folder) as part:
        for name, (population, metric) in headed(extractor).items():
            write_text(part / f"{name}.csv", bars(rows, population, metric))


def bars(rows: Iterable[Measurement], population: str, metric: str) -> str:
    """One metric of one population as CSV: correction, value, low, high."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["correction", "value", "low", "high"])
    for (correction, of, name), found in summarise(rows).items():
        if (of, name) == (population, metric):
            numbers = (found.value, found.low, found.high)
            table.writerow([correction, *(f"{number:.6g}" for number in numbers)])
    return text.getvalue()


def headed(extractor: str) -> dict[str, tuple[str, str]]:
    """What is looked at first, bars and differences: its file -> (population, metric)."""
    return {
        "frechet": ("artifacts", metric_name("frechet", extractor)),
        "realism": ("artifacts", metric_name("realism", extractor)),
        "pixel_recovery": ("artifacts", "pixel_recovery"),
        "psnr": ("normals", "psnr"),
    }


def _summary(group: list[Measurement]) -> Summary:
    if len(group) == 1:
        only = asdict(group[0])
        return Summary(only["value"], only["low"], only["high"], only["images"], 1)
    values = np.array([row.value for row in group])
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    return Summary(mean, mean - deviation, mean + deviation, group[0].images, len(group))
