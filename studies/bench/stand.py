"""What the cells of one planting share: everything that depends on no label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from artifact_units.evaluation.gaussians import Gaussian, distance
from artifact_units.extractors.scene import load
from artifact_units.generators import load_generator
from artifact_units.images.latents import HELDOUT, LABELLED, REFERENCE, UNLABELLED, latents_of
from artifact_units.layers import placing
from artifact_units.layers.generator import Generator
from artifact_units.layers.hooks import edited, featuremaps_of
from artifact_units.shapes import Featuremaps, Features, Images, Masks, PerUnit
from demo.domain.churches import render_churches
from demo.domain.differences import areas, truth_masks
from demo.domain.planting import Planted
from studies.bench.kinds import AREA, MASK_DIFFERENCE, planted
from studies.bench.oracle import Oracle, Treatments, ablation
from studies.bench.settings import BATCH, LAYERS, Settings

SHIPPED = Path(__file__).parents[2] / "demo"
REALS = 1_000_000  # of the renderer: a stream that nothing was trained on


@dataclass(frozen=True)
class Beside:
    """Held-out generations of one population, beside their clean twins."""

    ids: np.ndarray
    broken: Images
    clean: Images
    masks: Masks


@dataclass(frozen=True)
class Labelled:
    """The clean twins of labelled generations: where they differ, and which are artifacts."""

    ids: np.ndarray
    clean: Images
    masks: Masks
    areas: np.ndarray  # float64 [image]: the part of the image that its mask covers
    artifact: np.ndarray  # bool [image]


class Stand:
    """One planting, and what can be known of it without a label; each thing is made once.

    A pixel whose difference from its clean twin is above ``difference`` is in the mask, an image
    whose mask covers more than ``area`` is an artifact.
    """

    def __init__(
        self,
        found: Planted,
        settings: Settings,
        difference: float = MASK_DIFFERENCE,
        area: float = AREA,
    ) -> None:
        self.settings, self.difference, self.area = settings, difference, area
        self.planted = Planted(_fast(found.broken), _fast(found.clean), found.units)
        self.layers = [layer.name for layer in self.broken.layers[:LAYERS]]
        extractor = load(SHIPPED / "scene_encoder.safetensors", torch.device("cpu"))
        self.features_of = extractor.extract
        self.known: dict[str, dict[str, float]] = {}  # what was measured of a correction

    @property
    def broken(self) -> Generator:
        """The generator that is to be corrected."""
        return self.planted.broken

    @cached_property
    def labelled(self) -> tuple[Images, Labelled]:
        """The labelled generations, and the truth about them."""
        ids = np.arange(LABELLED, LABELLED + self.settings.labelled)
        images, clean, masks = self._beside(ids)
        covered = areas(masks).numpy()
        return images, Labelled(ids, clean, masks, covered, covered > self.area)

    @cached_property
    def featuremaps(self) -> dict[str, Featuremaps]:
        """Of the labelled generations, float16 by layer."""
        return self._featuremaps(np.arange(LABELLED, LABELLED + self.settings.labelled))

    @cached_property
    def surveyed(self) -> tuple[dict[str, PerUnit], dict[str, torch.Tensor]]:
        """Of unlabelled generations: each unit's threshold, and maxima ``[image, unit]``."""
        maps = self._featuremaps(self._unlabelled)
        thresholds = {
            name: _quantile(value.transpose(0, 1).flatten(1), self.settings.quantile)
            for name, value in maps.items()
        }
        return thresholds, {name: value.amax((2, 3)).float() for name, value in maps.items()}

    @cached_property
    def unlabelled(self) -> Features:
        """Features of the unlabelled generations."""
        return self.features_of(sampled(self.broken, self._unlabelled))

    @cached_property
    def reals(self) -> Images:
        """Rendered churches."""
        px = self.broken.image_px
        return render_churches(REALS, range(self.settings.reals), px)

    @cached_property
    def reference(self) -> Features:
        """Features of the clean generator's generations of latents that nothing else uses."""
        ids = np.arange(REFERENCE, REFERENCE + self.settings.reference)
        return self.features_of(sampled(self.planted.clean, ids))

    @cached_property
    def heldout(self) -> dict[str, Beside]:
        """The first held-out true artifacts and true normal generations."""
        wanted = {"artifacts": self.settings.artifacts, "normals": self.settings.normals}
        found: dict[str, list[Beside]] = {name: [] for name in wanted}
        start = HELDOUT
        while any(sum(len(b.ids) for b in found[name]) < n for name, n in wanted.items()):
            ids = np.arange(start, start + 5 * BATCH)
            images, clean, masks = self._beside(ids)
            artifact = areas(masks) > self.area
            for name, rows in (("artifacts", artifact), ("normals", ~artifact)):
                found[name].append(
                    Beside(ids[rows.numpy()], images[rows], clean[rows], masks[rows])
                )
            start += len(ids)
        return {name: _first(found[name], n) for name, n in wanted.items()}

    @cached_property
    def real_features(self) -> Features:
        """Features of the reals."""
        return self.features_of(self.reals)

    def frechet(self, images: Images) -> float:
        """Frechet distance of images to the clean generator's distribution at other latents."""
        return distance(self._fitted, self.features_of(images))

    @cached_property
    def _fitted(self) -> Gaussian:
        return Gaussian.of(self.reference)

    @cached_property
    def ends(self) -> dict[str, float]:
        """That of the held-out artifacts as they are, and as their clean twins."""
        artifacts = self.heldout["artifacts"]
        return {name: self.frechet(getattr(artifacts, name)) for name in ("broken", "clean")}

    @cached_property
    def ceilings(self) -> dict[str, dict[str, Images]]:
        """The held-out generations with the true units at zero, and treated as well as can be."""
        _, seen = self.labelled
        number = self.settings.searched
        chosen = [
            np.flatnonzero(seen.artifact == is_artifact)[:number] for is_artifact in (True, False)
        ]
        rows = np.concatenate([chosen[0], chosen[1][: number // 2]])
        units = self.planted.units
        twins = self.broken, self.planted.clean
        oracle = Oracle(*twins, units, seen.ids[rows], seen.clean[torch.from_numpy(rows)])
        found = {"zero_true": ablation(units), "ceiling": oracle.best()}
        return {name: self._treated(treatments) for name, treatments in found.items()}

    def _treated(self, treatments: Treatments) -> dict[str, Images]:
        heldout = self.heldout  # made now, if it is not: outside the edits
        with edited(self.broken, treatments):
            return {name: sampled(self.broken, b.ids) for name, b in heldout.items()}

    @property
    def _unlabelled(self) -> np.ndarray:
        return np.arange(UNLABELLED, UNLABELLED + self.settings.unlabelled)

    def _beside(self, ids: np.ndarray) -> tuple[Images, Images, Masks]:
        broken, clean = sampled(self.broken, ids), sampled(self.planted.clean, ids)
        return broken, clean, truth_masks(broken, clean, self.difference)

    def _featuremaps(self, ids: np.ndarray) -> dict[str, Featuremaps]:
        latents = latents_of(ids, self.broken.latent_dim)
        found: dict[str, list[Featuremaps]] = {name: [] for name in self.layers}
        for part in latents.split(BATCH):
            for name, maps in featuremaps_of(self.broken, part, self.layers).items():
                found[name].append(maps.half())
        return {name: torch.cat(parts) for name, parts in found.items()}


def shipped() -> Generator:
    """The generator of the embedded domain, nothing planted."""
    return load_generator(SHIPPED / "church_generator.safetensors")


def stand_of(kind: str, seed: int, settings: Settings) -> Stand:
    """The planting of a kind."""
    return Stand(planted(shipped(), kind, seed), settings)


def sampled(generator: Generator, ids: np.ndarray) -> Images:
    """The generations of ``ids``."""
    return torch.cat(list(placing.sample(generator, ids, BATCH)))


def _fast(generator: Generator) -> Generator:
    # Channels last: two thirds of the time on a CPU.
    return placing.placed(generator, torch.device("cpu"), "float32", channels_last=True)


def _quantile(values: torch.Tensor, q: float) -> PerUnit:
    """As ``Histogram.quantile``: the smallest value that a fraction ``q`` do not exceed."""
    place = max(1, int(np.ceil(values.shape[1] * q)))
    return values.float().kthvalue(place, dim=1).values


def _first(parts: list[Beside], n: int) -> Beside:
    columns = ([getattr(part, name) for part in parts] for name in ("broken", "clean", "masks"))
    ids = np.concatenate([part.ids for part in parts])
    return Beside(ids[:n], *(torch.cat(column)[:n] for column in columns))
