"""Distances of every row to the reals and, where the truth is known, to the clean generator's."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from artifact_units.evaluation.measurements import Measurement, metric_name
from artifact_units.evaluation.rows import (
    CLEAN,
    REFERENCE,
    UNCORRECTED,
    Estimate,
    Row,
    Settings,
)
from artifact_units.images.features import FeatureSet
from artifact_units.registry import names, take
from artifact_units.shapes import Features, Reals


def distances(rows: Sequence[Row], reals: FeatureSet, settings: Settings) -> Iterator[Estimate]:
    """Every metric on the shelf, of every row against the reals."""
    for row in rows:
        for shelved in names("metrics"):
            values, resampled = measured(shelved, reals.features, row.features, settings)
            for name, value in values.items():
                again = resampled.get(name, np.zeros(0))
                yield Estimate(row, metric_name(name, reals.extractor), value, again)


def recoveries(
    rows: Sequence[Row], reference: FeatureSet, settings: Settings
) -> Iterator[Estimate]:
    """Frechet distance of the artifacts to the clean generator's distribution, and the recovery.

    (FD broken - FD corrected) / (FD broken - FD clean): 1 is as good as clean.
    """
    frechet = metric_name("frechet", reference.extractor) + "_reference"
    recovery = metric_name("recovery", reference.extractor)
    clean_ones = reference.features
    artifacts = [row for row in rows if row.population == "artifacts"]
    # The value itself and then its resamplings, in one array a row.
    found = [_with_resamplings("frechet", clean_ones, row.features, settings) for row in artifacts]
    at = [row.correction for row in artifacts]
    broken, clean = found[at.index(UNCORRECTED)], found[at.index(CLEAN)]
    for row, corrected in zip(artifacts, found, strict=True):
        yield Estimate(row, frechet, corrected[0], corrected[1:])
        if row.correction not in (UNCORRECTED, CLEAN):
            ratio = recovered(broken, corrected, clean)
            yield Estimate(row, recovery, ratio[0], ratio[1:])


def noise(reference: FeatureSet) -> Measurement:
    """The Frechet distance of two halves of the reference."""
    halves = reference.features[::2], reference.features[1::2]
    name = metric_name("frechet", reference.extractor) + "_reference"
    found = take("metrics", "frechet")(*halves)["frechet"]
    return Measurement(REFERENCE, 0, REFERENCE, name, found, images=len(halves[1]))


def recovered(broken: np.ndarray, corrected: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """(broken - corrected) / (broken - clean); NaN where broken is no further off than clean."""
    room = broken - clean
    return np.where(room > 0, (broken - corrected) / np.where(room > 0, room, 1), np.nan)


def measured(
    metric: str, real: Reals, generated: Features, settings: Settings
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """The values of a metric and, of each, its resamplings (nothing where none are asked for).

    A metric that has a function ``resample(real, generated, counts, *, ...)`` beside ``measure``
    is resampled by it, up to a constant; another is measured again and again.
    """
    measure = take("metrics", metric)
    given = _taken(measure, settings.options)
    values = measure(real, generated, **given)
    counts = settings.counts(len(generated))
    if not len(counts):
        return values, {}
    fast: Callable[..., Any] | None = getattr(sys.modules[measure.__module__], "resample", None)
    if fast is not None:
        return values, fast(real, generated, counts, **_taken(fast, settings.options))
    drawn = [torch.from_numpy(np.repeat(np.arange(len(generated)), count)) for count in counts]
    again = [measure(real, generated[index], **given) for index in drawn]
    return values, {name: np.array([found[name] for found in again]) for name in values}


def _with_resamplings(
    metric: str, real: Reals, generated: Features, settings: Settings
) -> np.ndarray:
    values, resampled = measured(metric, real, generated, settings)
    return np.concatenate([[values[metric]], resampled.get(metric, np.zeros(0))])


def _taken(function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``options`` that the function takes."""
    return {k: v for k, v in options.items() if k in inspect.signature(function).parameters}
