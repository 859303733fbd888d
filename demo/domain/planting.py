"""Defects with a known truth, planted into a good PGGAN: units more that fire at rare patterns.

A chain makes one kind of defect: *detector* units fire at a rare pattern of the layer before,
*amplifier* units of the next layers answer them, and existing units of the layer after that, the
readers, are disturbed where the last of them are on. Planted units stand beside the good ones,
which lose nothing. With slope 0 they are exactly 0 where they are off, and ablating them all gives
the clean generator, bit for bit. With another slope a unit that is off leaks, as every unit of a
real PGGAN does. A partner puts out the same with the other sign, so that the next layer hears no
leak, as in a network that was trained with it: only what a planted unit puts out above 0 is the
defect, and ablating the unit takes its leak from the partner as well.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from artifact_units.errors import UserError
from artifact_units.generators import as_generator
from artifact_units.generators.pggan import PGGAN, PGGANLayer
from artifact_units.layers.generator import Generator
from artifact_units.shapes import Featuremaps, Latents
from demo.domain.patterns import rare_patterns
from demo.domain.widening import entry_of, images_from, layer_of, outputs_of, rms_of, widened

DETECTOR, AMPLIFIER = 8.0, 12.0  # mean peak where they fire, over the RMS of their layer
QUIET = 0.5  # of these, where units leak: or what leaks would drown its layer
FLOOR = 0.25  # an amplifier ignores answers below this part of its mean peak
READERS = 0.25  # part of its layer that reads the last planted units
TRIALS = 6  # random readings, of which the most local is kept
PEAK = 1.0  # mean, over firing latents, of the largest change in the image (signed range)
STRONGEST, HALVINGS = 4.0, 7  # gains of the readers are found by bisection below STRONGEST
LOOKED_AT = 24  # firing latents on which readers are chosen and gained


@dataclass(frozen=True)
class Planted:
    """A broken generator, its clean twin, and the units that make the difference, by layer."""

    broken: Generator
    clean: Generator
    units: dict[str, list[int]]


@dataclass(frozen=True)
class Chain:
    """``count`` units in each of ``length`` layers from ``first`` on, then readers."""

    first: int
    count: int
    length: int = 2


def chains_of(layers: int) -> tuple[Chain, ...]:
    """A coarse and a fine chain: in layers 4, 5, 6 and 6, 7, 8 of ten."""
    return Chain(layers // 2 - 1, 2), Chain(layers // 2 + 1, 2)


@dataclass(frozen=True)
class Planting:
    """What is planted so far: the broken network; its planted units, by layer (1-based).

    ``partners`` make up for what planted units leak: none where their slope is 0. ``twin`` makes
    the clean network of the broken one as it is.
    """

    network: PGGAN
    units: dict[int, list[int]]
    partners: dict[int, list[int]]
    stream: torch.Generator
    twin: Callable[[PGGAN, dict[int, list[int]]], PGGAN]

    def good(self, k: int) -> list[int]:
        """The units of layer k that were there before."""
        added = self.units.get(k, []) + self.partners.get(k, [])
        every = range(layer_of(self.network, k).slope.numel())
        return [unit for unit in every if unit not in added]

    def calm(self, latents: Latents, k: int) -> Featuremaps:
        """The output of layer k in the clean network."""
        return outputs_of(self.twin(self.network, self.units), latents, k)

    def done(self) -> Planted:
        """The two generators."""
        clean = self.twin(self.network, self.units)
        names = {f"layer{k}": planted for k, planted in self.units.items()}
        return Planted(as_generator(self.network), as_generator(clean), names)


@torch.no_grad()
def plant(
    generator: Generator,
    latents: Latents,
    seed: int,
    chains: Sequence[Chain] | None = None,
    slope: float = 0.0,
) -> Planted:
    """Plant ``chains`` (None: ``chains_of``); thresholds and gains are taken from ``latents``."""
    stream = torch.Generator().manual_seed(seed)
    chains = chains_of(len(generator.layers)) if chains is None else chains
    each = 2 if slope else 1  # a partner for each that leaks
    added = {c.first + step: each * c.count for c in chains for step in range(c.length)}
    network, places = widened(plantable(generator), added, stream)
    units, partners = ({k: own[n::each] for k, own in places.items()} for n in (0, 1))
    for k, own in units.items() if slope else ():
        layer_of(network, k).slope[own] = slope
    planting = Planting(network, units, partners if slope else {}, stream, never_on)
    for chain in chains:
        firing = latents[_add_detectors(planting, latents, chain)]
        for k in range(chain.first + 1, chain.first + chain.length):
            _add_amplifiers(planting, firing, k)
        _add_readers(planting, firing[:LOOKED_AT], chain.first + chain.length)
    return planting.done()


def plantable(generator: Generator) -> PGGAN:
    """The network, if defects can be planted into it."""
    if not isinstance(generator.network, PGGAN) or len(generator.layers) < 6:
        raise UserError("defects can be planted into a PGGAN of at least 6 layers (16 px) only")
    return generator.network


def never_on(broken: PGGAN, units: dict[int, list[int]]) -> PGGAN:
    """A copy in which the planted units put out nothing above 0; what leaks stays."""
    clean = copy.deepcopy(broken)
    for k, planted in units.items():
        layer = layer_of(clean, k)
        if layer.slope[planted].any():
            layer.register_forward_hook(partial(_capped, planted))
        else:
            layer.weight[planted] = 0
            layer.bias[planted] = 0
    return clean


def _capped(
    units: list[int], _layer: PGGANLayer, _entries: tuple[Featuremaps], output: Featuremaps
) -> Featuremaps:
    capped = output.clone()
    capped[:, units] = output[:, units].clamp(max=0)
    return capped


def _add_detectors(planting: Planting, latents: Latents, chain: Chain) -> Tensor:
    """Give detectors the patterns with the heaviest tails; True where one fires, ``[latent]``."""
    k = chain.first
    entry = entry_of(layer_of(planting.network, k), planting.calm(latents, k - 1))
    found = rare_patterns(entry, planting.good(k - 1), chain.count, planting.stream)
    gain = DETECTOR * rms_of(planting.calm(latents, k)) / found.excess
    _set(planting, k, found.filters * gain[:, None, None, None], -found.thresholds * gain)
    return found.found.any(1)


def _add_amplifiers(planting: Planting, firing: Latents, k: int) -> None:
    """Let each planted unit of layer k answer one of the layer before, smeared over 3x3."""
    network = planting.network
    layer = layer_of(network, k)
    rms = rms_of(outputs_of(network, firing, k))
    weight = torch.zeros_like(layer.weight[planting.units[k]])
    smear = torch.tensor([1.0, 2.0, 1.0])
    for source in (planting.units, planting.partners):
        for row, detector in zip(weight, source.get(k - 1, []), strict=False):
            row[detector] = smear[:, None] * smear / 16
    entry = entry_of(layer, outputs_of(network, firing, k - 1))
    answers = F.conv2d(entry, weight, padding=1).amax((2, 3))
    peak = torch.stack([column[column > 0].mean() for column in answers.unbind(1)])
    gain = AMPLIFIER * rms / ((1 - FLOOR) * peak)
    _set(planting, k, weight * gain[:, None, None, None], -FLOOR * peak * gain)


def _set(planting: Planting, k: int, weight: Tensor, bias: Tensor) -> None:
    """Give planted units of layer k what they answer to, and partners what these will leak."""
    layer, units = layer_of(planting.network, k), planting.units[k]
    partners = planting.partners.get(k, [])
    slope = float(layer.slope[units].max())
    loudness = QUIET if slope else 1.0
    layer.weight[units], layer.bias[units] = loudness * weight, loudness * bias
    layer.weight[partners] = -slope * layer.weight[units][: len(partners)]
    layer.bias[partners] = -slope * layer.bias[units][: len(partners)]


def _add_readers(planting: Planting, firing: Latents, k: int) -> None:
    """Disturb units of the layer after the last planted ones, as strongly as PEAK says."""
    network, units = planting.network, planting.units[k - 1]
    layer, partners = layer_of(network, k), planting.partners.get(k - 1, [])
    before = outputs_of(network, firing, k - 1)
    wanted = images_from(network, planting.calm(firing, k - 1), k)

    def change(reading: Tensor) -> Tensor:
        layer.weight[:, units] = reading
        layer.weight[:, partners] = reading[:, : len(partners)]
        return F.avg_pool2d((images_from(network, before, k) - wanted).abs().mean(1), 3, 1)

    def spread(reading: Tensor) -> float:
        changes = change(reading)
        return float(changes.mean() / changes.amax((1, 2)).mean())

    readings = [_reading(planting, k) for _ in range(TRIALS)]
    reading = min(readings, key=spread)
    low, high = 0.0, STRONGEST
    for _ in range(HALVINGS):
        gain = (low + high) / 2
        peak = change(gain * reading).amax((1, 2)).mean()
        low, high = (gain, high) if peak < PEAK else (low, gain)
    change(low * reading)


def _reading(planting: Planting, k: int) -> Tensor:
    """Random 3x3 weights in the rows of some random units of layer k, 0 elsewhere."""
    reading = torch.zeros_like(layer_of(planting.network, k).weight[:, planting.units[k - 1]])
    good = torch.tensor(planting.good(k))
    readers = max(1, int(READERS * len(good)))
    chosen = good[torch.randperm(len(good), generator=planting.stream)[:readers]]
    reading[chosen] = torch.randn(readers, *reading.shape[1:], generator=planting.stream)
    return reading
