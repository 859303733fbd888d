"""Masks that raters painted, as arrays: what a computed mask can be held against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from jaxtyping import Bool, Float

from artifact_units.classifier.heatmaps import HeatmapSet, masks_from
from artifact_units.evaluation.truth import intersection_over_union
from artifact_units.labels.verdicts import Painted, Verdict, latest

Mask = Bool[np.ndarray, "height width"]  # the image's pixels; True on the artifact


def mask_of(painted: Painted) -> Mask:
    """The painted pixels."""
    flat = np.zeros(painted.px**2, bool)
    for start, length in painted.runs:
        flat[start : start + length] = True
    return flat.reshape(painted.px, painted.px)


def masks_by_id(verdicts: Iterable[Verdict]) -> dict[int, Mask]:
    """id -> the pixels that at least half of those painted who painted this generation."""
    found: dict[int, Mask] = {}
    for generation, by_rater in latest(verdicts).items():
        masks = [mask_of(v.mask) for v in by_rater.values() if v.mask is not None]
        if masks:
            found[generation] = 2 * np.sum(masks, axis=0) >= len(masks)
    return found


def overlap_with(
    masks: Mapping[int, Mask], heatmaps: HeatmapSet, threshold: float
) -> Float[np.ndarray, " image"]:
    """Intersection over union of each painted mask and the heatmap's, where there are both."""
    ids = [i for i in heatmaps.ids.tolist() if i in masks]
    if not ids:
        return np.zeros(0)
    painted = torch.from_numpy(np.stack([masks[i] for i in ids]))
    computed = masks_from(heatmaps.take(ids).heatmaps, threshold, painted.shape[-1])
    return intersection_over_union(painted, computed)
