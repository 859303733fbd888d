"""The rows of an evaluation: the same generations, as each correction makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from artifact_units.errors import UserError
from artifact_units.evaluation.measurements import Measurement
from artifact_units.evaluation.resampling import draws, interval
from artifact_units.evaluation.truth import Truth
from artifact_units.images.features import FeatureSet, read_features
from artifact_units.images.image_sets import ImageSet, open_images
from artifact_units.shapes import Features, Images

Distance = Callable[[Images, Images], Tensor]  # [batch]
POPULATIONS = ("artifacts", "normals")
UNCORRECTED = "none"
CLEAN, REFERENCE = "clean", "reference"  # rows that are no correction


@dataclass(frozen=True)
class Row:
    """One population as one correction (and repeat) makes it."""

    correction: str
    repeat: int
    population: str
    ids: np.ndarray
    features: Features
    images: ImageSet


@dataclass(frozen=True)
class Estimate:
    """A value of a row and its resamplings, empty without any: rows draw the same images.

    ``centred`` says what its interval is (``resampling.interval``).
    """

    row: Row
    metric: str
    value: float
    resampled: np.ndarray
    centred: bool = True

    @property
    def measurement(self) -> Measurement:
        """With its interval."""
        row, value = self.row, float(self.value)
        where = (row.correction, row.repeat, row.population, self.metric)
        bounds = interval(value, self.resampled, self.centred)
        return Measurement(*where, value, *bounds, len(row.ids))


@dataclass(frozen=True)
class Settings:
    """How it is measured: the options of the metrics, the resamplings and their seed.

    ``perceptual`` is a distance of images, image by image, where there is one.
    """

    options: Mapping[str, Any]
    bootstrap: int
    seed: int
    perceptual: Distance | None = None

    def counts(self, images: int) -> np.ndarray:
        """How often each of so many images is drawn, ``[resampling, image]``."""
        return draws(images, self.bootstrap, self.seed)


def open_rows(
    corrected: Path, features: Path, corrections: Sequence[str], extractor: str
) -> list[Row]:
    """The rows of ``corrections``, in that order; the same ids in each, or a UserError."""
    _check_names(corrections)
    rows = []
    for name in corrections:
        table = read_features(features / f"{name}.parquet")
        check_extractor(table, extractor)
        for population in POPULATIONS:
            images = open_images(corrected / name / population)
            for repeat in sorted(set(images.repeats.tolist())):
                ids = images.ids[images.repeats == repeat]
                found = table.take(ids, repeat)
                rows.append(Row(name, repeat, population, ids, found, images))
    for row in rows:
        if not np.array_equal(row.ids, uncorrected(rows, row.population).ids):
            raise UserError(
                f"{row.images.folder}: other generations than those of {UNCORRECTED!r}; "
                "correct both anew with the same correct_generations"
            )
    return rows


def uncorrected(rows: Sequence[Row], population: str) -> Row:
    """The row of a population before any correction."""
    return next(r for r in rows if (r.correction, r.population) == (UNCORRECTED, population))


def clean_rows(rows: Sequence[Row], truth: Truth, features: FeatureSet) -> list[Row]:
    """The same generations as the clean generator makes them."""
    return [
        Row(CLEAN, 0, population, ids, features.take(ids), truth.clean)
        for population in POPULATIONS
        for ids in [uncorrected(rows, population).ids]
    ]


def check_extractor(table: FeatureSet, extractor: str) -> None:
    """A UserError where the features are another extractor's."""
    if table.extractor != extractor:
        raise UserError(
            f"{table.path}: features of {table.extractor}, the reals' are of {extractor}; "
            "extract both anew with one extractor"
        )


def _check_names(corrections: Sequence[str]) -> None:
    if UNCORRECTED not in corrections:
        raise UserError(
            f"fit_corrections.corrections has no {UNCORRECTED!r}, the uncorrected row; "
            f"it has {', '.join(corrections) or 'nothing'}: add one with n: 0"
        )
    for name in (CLEAN, REFERENCE):
        if name in corrections:
            raise UserError(
                f"a correction cannot be called {name!r}, a row of the truth; rename it"
            )
