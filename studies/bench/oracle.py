"""The ceiling: the best that can be done to the true units, found by holding it against the clean.

Each true unit gets a factor or a limit from above. First all true units are treated alike, then
those of a layer, layer by layer, then each alone; kept is what brings labelled generations nearest
to their clean twins. A method may look at nothing of this.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from artifact_units.images.image_sets import byte_from_signed
from artifact_units.images.latents import latents_of
from artifact_units.layers.generator import Generator
from artifact_units.layers.hooks import edited, featuremaps_of
from artifact_units.shapes import Featuremaps, Images
from demo.domain.differences import difference
from studies.bench.settings import BATCH

FACTORS = (0.0, 0.1, 0.25, 0.5, 0.75)
QUANTILES = (0.9, 0.95, 0.99, 0.999, 1.0)  # of a unit's values in the clean generator


@dataclass(frozen=True)
class Treatment:
    """An edit: the smaller of value * factor and limit, for some units."""

    units: tuple[int, ...]
    factors: tuple[float, ...]
    limits: tuple[float, ...]

    def __call__(self, maps: Featuremaps) -> Featuremaps:
        treated = maps.clone()
        factors, limits = (torch.tensor(v)[:, None, None] for v in (self.factors, self.limits))
        treated[:, self.units] = torch.minimum(maps[:, self.units] * factors, limits)
        return treated

    def with_one(self, place: int, factor: float, limit: float) -> Treatment:
        """The same with another treatment of one unit."""
        factors, limits = list(self.factors), list(self.limits)
        factors[place], limits[place] = factor, limit
        return replace(self, factors=tuple(factors), limits=tuple(limits))


Treatments = dict[str, Treatment]


def ablation(units: dict[str, list[int]]) -> Treatments:
    """All true units to zero."""
    return {
        layer: Treatment(tuple(own), (0.0,) * len(own), (torch.inf,) * len(own))
        for layer, own in units.items()
    }


class Oracle:
    """Treats the true units of ``broken``; ``ids`` are looked at, ``clean`` is how they should be.

    ``twin`` is the clean generator, in which the units' usual ranges are found.
    """

    def __init__(
        self,
        broken: Generator,
        twin: Generator,
        units: dict[str, list[int]],
        ids: np.ndarray,
        clean: Images,
    ) -> None:
        self.broken, self.units, self.clean = broken, units, clean
        self.latents = latents_of(ids, broken.latent_dim)
        maps = featuremaps_of(twin, self.latents, list(units))
        usual = {
            layer: maps[layer][:, own].transpose(0, 1).flatten(1) for layer, own in units.items()
        }
        levels = torch.tensor(QUANTILES)
        self.limits = {layer: values.quantile(levels, 1).T for layer, values in usual.items()}

    def best(self) -> Treatments:
        """The best treatments found."""
        best = ablation(self.units)
        least = self.error(best)
        for places in self._groups():
            for tried in list(self._changed(best, places)):
                error = self.error(tried)
                if error < least:
                    best, least = tried, error
        return best

    @torch.inference_mode()
    def error(self, treatments: Treatments) -> float:
        """Mean difference from the clean images, [0, 2]."""
        with edited(self.broken, treatments):
            parts = [byte_from_signed(self.broken(part)) for part in self.latents.split(BATCH)]
        return float(difference(torch.cat(parts), self.clean).mean())

    def _groups(self) -> Iterator[dict[str, range]]:
        """What is treated alike: places among the true units, by layer."""
        every = {layer: range(len(own)) for layer, own in self.units.items()}
        yield every
        yield from ({layer: places} for layer, places in every.items())
        for layer, places in every.items():
            yield from ({layer: range(place, place + 1)} for place in places)

    def _changed(self, old: Treatments, places: dict[str, range]) -> Iterator[Treatments]:
        for factor in FACTORS:
            yield self._with(old, places, factor, None)
        for quantile in range(len(QUANTILES)):
            yield self._with(old, places, 1.0, quantile)

    def _with(
        self, old: Treatments, places: dict[str, range], factor: float, quantile: int | None
    ) -> Treatments:
        new = dict(old)
        for layer, own in places.items():
            for place in own:
                known = self.limits[layer][place]
                limit = torch.inf if quantile is None else float(known[quantile])
                new[layer] = new[layer].with_one(place, factor, limit)
        return new
