"""Whether planted defects are worth finding: often enough, and not all in one layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from artifact_units.errors import UserError
from artifact_units.images.latents import PLANTING, latents_of
from artifact_units.layers import placing
from artifact_units.layers.edits import Scale
from artifact_units.layers.generator import Generator
from artifact_units.layers.hooks import edited
from artifact_units.shapes import Images, Latents
from demo.domain.differences import areas, difference, truth_masks
from demo.domain.planting import Planted, plant

FITTED, JUDGED = 200, 300  # generations whose latents a planting is fitted to, and judged on


@dataclass(frozen=True)
class Bounds:
    """What a planting must be: ``lowest`` <= fraction of artifacts <= ``highest``, and no layer's
    ablation alone recovers more than ``single_layer``; what makes a generation an artifact."""

    lowest: float
    highest: float
    single_layer: float
    mask_difference: float
    area: float


@dataclass(frozen=True)
class Judgement:
    """``fraction`` of generations that are artifacts; of those, the pixel recovery by layer.

    Pixel recovery: 1 - |corrected - clean| / |broken - clean|, summed over the artifacts, where
    the layer's planted units alone are ablated. Silent ones recover 1 together, by construction.
    """

    fraction: float
    recovery: dict[str, float]

    def __str__(self) -> str:
        single = ", ".join(f"{layer} {value:.2f}" for layer, value in self.recovery.items())
        return f"{self.fraction:.3f} are artifacts; one layer's ablation recovers {single}"

    def within(self, bounds: Bounds) -> bool:
        often = bounds.lowest <= self.fraction <= bounds.highest
        return often and max(self.recovery.values(), default=1) <= bounds.single_layer


def first_accepted(
    generator: Generator,
    seeds: Sequence[int],
    bounds: Bounds,
    batch: int,
    tell: Callable[[str], None],
    planter: Callable[[Generator, Latents, int], Planted] = plant,
) -> Planted:
    """The planting of the first seed that is within bounds; ``tell`` hears of every try."""
    fitted = latents_of(range(PLANTING, PLANTING + FITTED), generator.latent_dim)
    judged = range(PLANTING + FITTED, PLANTING + FITTED + JUDGED)
    for seed in seeds:
        planted = planter(generator, fitted, seed)
        judgement = judge(planted, judged, batch, bounds.mask_difference, bounds.area)
        tell(f"seed {seed}: {judgement}")
        if judgement.within(bounds):
            return planted
    raise UserError(
        f"none of the seeds {seeds[0]} … {seeds[-1]} plants defects within plant_defects' bounds; "
        "raise plant_defects.tries, or widen lowest, highest or single_layer"
    )


def judge(
    planted: Planted, ids: Sequence[int], batch: int, mask_difference: float, area: float
) -> Judgement:
    """Judge a planting on the generations of ``ids``."""
    ids = list(ids)
    broken, clean = (_sampled(g, ids, batch) for g in (planted.broken, planted.clean))
    artifact = areas(truth_masks(broken, clean, mask_difference)) > area
    if not artifact.any():
        return Judgement(0.0, {})
    broken, clean = broken[artifact], clean[artifact]
    artifacts = [i for i, is_artifact in zip(ids, artifact.tolist(), strict=True) if is_artifact]
    recovery = {}
    for layer, units in planted.units.items():
        with edited(planted.broken, {layer: Scale(tuple(units), (0.0,) * len(units))}):
            corrected = _sampled(planted.broken, artifacts, batch)
        left = difference(corrected, clean).sum() / difference(broken, clean).sum()
        recovery[layer] = 1 - float(left)
    return Judgement(len(artifacts) / len(ids), recovery)


def _sampled(generator: Generator, ids: list[int], batch: int) -> Images:
    return torch.cat(list(placing.sample(generator, ids, batch)))
