"""How far a correction moved each generation: in its mask, outside it, towards the clean image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from artifact_units.classifier.heatmaps import HeatmapSet, masks_from
from artifact_units.evaluation.resampling import mean_of, median_of
from artifact_units.evaluation.rows import CLEAN, Distance, Estimate, Row
from artifact_units.files.tables import write_table
from artifact_units.images.image_sets import ImageSet
from artifact_units.shapes import Images, Masks

CHUNK = 250  # images in memory at once


@dataclass(frozen=True)
class Changes:
    """One value an image, float64 ``[image]``; NaN where it is not defined."""

    inside: np.ndarray  # mean absolute change inside the mask, unit range
    outside: np.ndarray  # and outside it
    psnr: np.ndarray  # of the change, dB
    changed: np.ndarray  # fraction of pixels that changed
    error: np.ndarray  # mean absolute difference from the clean image, unit range
    damage: np.ndarray  # and that of the uncorrected image
    perceptual: np.ndarray  # ST-LPIPS of the change

    @property
    def pixel_recovery(self) -> np.ndarray:
        """1 - error / damage: 1 is clean, below 0 further from clean than uncorrected."""
        known = self.damage > 0
        return np.where(known, 1 - self.error / np.where(known, self.damage, 1), np.nan)


def changes_between(
    before: Images,
    after: Images,
    masks: Masks,
    clean: Images | None,
    perceptual: Distance | None = None,
) -> Changes:
    """The changes from ``before`` to ``after``, images in the same order.

    An image that did not change at all has the PSNR of a single value changed by one level (89 dB
    at 64 px), the smallest change there is, so that every value is finite.
    """
    difference = after.to(torch.int32) - before.to(torch.int32)
    moved = difference.abs().sum(dim=1) / (3 * 255)
    squares = difference.square().sum(dim=(1, 2, 3)).clamp(min=1).double()
    values = difference[0].numel()
    unknown = torch.full((len(before),), float("nan"), dtype=torch.float64)
    return Changes(
        inside=_mean_within(moved, masks).numpy(),
        outside=_mean_within(moved, ~masks).numpy(),
        psnr=10 * np.log10((255**2 * values / squares).numpy()),
        changed=(difference != 0).any(dim=1).double().mean(dim=(1, 2)).numpy(),
        error=(unknown if clean is None else _apart(after, clean)).numpy(),
        damage=(unknown if clean is None else _apart(before, clean)).numpy(),
        perceptual=(unknown if perceptual is None else perceptual(before, after).double()).numpy(),
    )


def changes_of(
    row: Row,
    before: ImageSet,
    heatmaps: HeatmapSet,
    threshold: float,
    clean: ImageSet | None,
    perceptual: Distance | None,
) -> Changes:
    """The changes of a row's images; normal generations have no mask: all of them is outside."""
    parts = []
    for start in range(0, len(row.ids), CHUNK):
        ids = row.ids[start : start + CHUNK]
        heat = heatmaps.take(ids).heatmaps
        masks = masks_from(heat, threshold if row.population == "artifacts" else np.inf, before.px)
        known = clean.take(ids) if clean is not None else None
        after = row.images.take(ids, row.repeat)
        parts.append(changes_between(before.take(ids), after, masks, known, perceptual))
    columns = {f.name: [getattr(part, f.name) for part in parts] for f in fields(Changes)}
    return Changes(**{name: np.concatenate(column) for name, column in columns.items()})


def change_measurements(row: Row, found: Changes, counts: np.ndarray) -> Iterator[Estimate]:
    """Their means over images (of the PSNR the median), and what is of all images together:
    the share without a changed pixel, the pixel recovery.
    """
    unchanged = (found.changed == 0).astype(np.float64)
    names = ("inside", "outside", "changed", "perceptual")
    of_each = {name: getattr(found, name) for name in names}
    for metric, values in {**of_each, "unchanged": unchanged}.items():
        value, resampled = mean_of(values, counts)
        if np.isfinite(value):
            yield Estimate(row, metric, value, resampled)
    yield Estimate(row, "psnr", *median_of(found.psnr, counts), centred=False)
    total = found.damage.sum()
    if row.population == "artifacts" and row.correction != CLEAN and total > 0:
        value = float(1 - found.error.sum() / total)
        resampled = 1 - (counts @ found.error) / (counts @ found.damage).clip(min=1e-12)
        yield Estimate(row, "pixel_recovery", value, resampled)


def write_changes(path: Path, found: Sequence[tuple[Row, Changes]]) -> None:
    """Write the table of changes: of corrections, so the clean row is left out."""
    kept = [(row, changes) for row, changes in found if row.correction != CLEAN]
    columns = {
        "id": [int(i) for row, _ in kept for i in row.ids],
        "repeat": [row.repeat for row, _ in kept for _ in row.ids],
        "correction": [row.correction for row, _ in kept for _ in row.ids],
        "population": [row.population for row, _ in kept for _ in row.ids],
    }
    for name in ("inside", "outside", "psnr", "changed", "perceptual", "pixel_recovery"):
        columns[name] = [v for _, changes in kept for v in getattr(changes, name).tolist()]
    write_table(path, "changes", columns)


def _mean_within(moved: Tensor, masks: Masks) -> Tensor:
    # 0 / 0 is NaN: there is no such pixel.
    return (moved.double() * masks).sum(dim=(1, 2)) / masks.sum(dim=(1, 2))


def _apart(images: Images, others: Images) -> Tensor:
    difference = images.to(torch.int32) - others.to(torch.int32)
    return difference.abs().sum(dim=(1, 2, 3)).double() / (255 * difference[0].numel())
