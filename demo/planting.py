"""Defects with a known truth, planted into a good PGGAN.

A chain of three layers makes one kind of defect: *detector* units fire at a rare pattern of the
layer before, *amplifier* units of the next layer answer them, and existing units of the layer
after that, the readers, are disturbed where the amplifiers are on. Planted units stand beside the
good ones, which lose nothing. Their slope is 0, so that they are exactly 0 where they are off, and
ablating them all gives the clean generator, bit for bit.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from artifact_units.errors import UserError
from artifact_units.generator import Generator
from artifact_units.generators import as_generator
from artifact_units.generators.pggan import PGGAN, PGGANLayer, pixel_norm
from artifact_units.shapes import Featuremaps, Latents

FILTERS = 120  # patterns tried for the detectors of a chain
RATE = 0.1  # of the latents at which one detector fires
DETECTOR, AMPLIFIER = 8.0, 12.0  # mean peak where they fire, over the RMS of their layer
FLOOR = 0.25  # an amplifier ignores answers below this part of its mean peak
READERS = 0.25  # part of its layer that reads the amplifiers
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
    """``count`` detectors in layer ``first``, as many amplifiers in the next, then readers."""

    first: int
    count: int


def chains_of(layers: int) -> tuple[Chain, Chain]:
    """A coarse and a fine chain: in layers 4, 5, 6 and 6, 7, 8 of ten."""
    return Chain(layers // 2 - 1, 2), Chain(layers // 2 + 1, 2)


@torch.no_grad()
def plant(generator: Generator, latents: Latents, seed: int) -> Planted:
    """Plant both chains; thresholds and gains are taken from ``latents``."""
    if not isinstance(generator.network, PGGAN) or len(generator.layers) < 6:
        raise UserError("defects can be planted into a PGGAN of at least 6 layers (16 px) only")
    stream = torch.Generator().manual_seed(seed)
    chains = chains_of(len(generator.layers))
    added = {chain.first + step: chain.count for chain in chains for step in (0, 1)}
    clean, units = widened(generator.network, added, stream)
    broken = copy.deepcopy(clean)
    for chain in chains:
        detectors, amplifiers = units[chain.first], units[chain.first + 1]
        fires = _add_detectors(broken, clean, latents, chain, detectors, stream)
        firing = latents[fires]
        _add_amplifiers(broken, firing, chain, detectors, amplifiers)
        _add_readers(broken, clean, firing[:LOOKED_AT], chain, amplifiers, stream)
    clean = copy.deepcopy(broken)
    for k, planted in units.items():
        _layer(clean, k).weight[planted] = 0
        _layer(clean, k).bias[planted] = 0
    names = {f"layer{k}": planted for k, planted in units.items()}
    return Planted(as_generator(broken), as_generator(clean), names)


def widened(
    network: PGGAN, added: dict[int, int], stream: torch.Generator
) -> tuple[PGGAN, dict[int, list[int]]]:
    """The same function with silent units more: ``added`` of them in each of some layers.

    They stand at random places, which are returned too; their slope is 0. The pixel norm averages
    over them, which the next layer's weights make good.
    """
    widths = [layer.slope.numel() for layer in _layers(network)]
    wider = [units + added.get(k, 0) for k, units in enumerate(widths, 1)]
    wide, places = PGGAN(network.latent_dim, wider), {}
    entries, scale = torch.arange(network.latent_dim), 1.0
    for k, (old, new) in enumerate(zip(_layers(network), _layers(wide), strict=True), 1):
        order = torch.randperm(wider[k - 1], generator=stream)
        rows, silent = order[: widths[k - 1]].sort().values, order[widths[k - 1] :].sort().values
        new.weight[rows[:, None], entries] = old.weight * scale
        new.bias[rows], new.slope[rows] = old.bias, old.slope
        new.slope[silent] = 0
        places |= {k: silent.tolist()} if len(silent) else {}
        entries, scale = rows, math.sqrt(widths[k - 1] / wider[k - 1])
    rgb = network.rgb.state_dict()
    weight = torch.zeros(3, wider[-1], 1, 1)
    weight[:, entries] = rgb["weight"] * scale
    wide.rgb.load_state_dict({**rgb, "weight": weight})
    return wide, places


def _add_detectors(
    network: PGGAN,
    clean: PGGAN,
    latents: Latents,
    chain: Chain,
    units: list[int],
    stream: torch.Generator,
) -> Tensor:
    """Give detectors the patterns with the heaviest tails; True where one fires, ``[latent]``."""
    layer = _layer(network, chain.first)
    entry = _entry(clean, latents, chain.first)
    filters = _patterns(entry, stream)
    answers = F.conv2d(entry, filters, padding=1)
    peaks = answers.amax((2, 3))
    thresholds = peaks.quantile(1 - RATE, 0)
    over = (answers - thresholds[:, None, None]).clamp_min(0)
    fires = over.amax((2, 3)) > 0
    excess = over.amax((2, 3)).sum(0) / fires.sum(0)
    tail = excess / peaks.std(0)
    best = tail.argsort(descending=True)[: chain.count]
    gain = DETECTOR * _rms(_outputs(clean, latents, chain.first)) / excess[best]
    layer.weight[units] = filters[best] * gain[:, None, None, None]
    layer.bias[units] = -thresholds[best] * gain
    return fires[:, best].any(1)


def _patterns(entry: Featuremaps, stream: torch.Generator) -> Tensor:
    """Random 3x3 filters over one to three units that are not silent: ``[FILTERS, unit, 3, 3]``."""
    filters = torch.zeros(FILTERS, entry.shape[1], 3, 3)
    heard = entry.abs().amax((0, 2, 3)).nonzero().flatten()
    for pattern in filters:
        count = int(torch.randint(1, 4, (), generator=stream))
        chosen = heard[torch.randperm(len(heard), generator=stream)[:count]]
        pattern[chosen] = torch.randn(len(chosen), 3, 3, generator=stream)
    return filters


def _add_amplifiers(
    network: PGGAN, firing: Latents, chain: Chain, detectors: list[int], units: list[int]
) -> None:
    """Let each amplifier answer its detector, smeared over 3x3."""
    k = chain.first + 1
    layer = _layer(network, k)
    rms = _rms(_outputs(network, firing, k))
    smear = torch.tensor([1.0, 2.0, 1.0])
    for unit, detector in zip(units, detectors, strict=True):
        layer.weight[unit, detector] = smear[:, None] * smear / 16
    answers = F.conv2d(_entry(network, firing, k), layer.weight[units], padding=1).amax((2, 3))
    peak = torch.stack([column[column > 0].mean() for column in answers.unbind(1)])
    gain = AMPLIFIER * rms / ((1 - FLOOR) * peak)
    layer.weight[units] *= gain[:, None, None, None]
    layer.bias[units] = -FLOOR * peak * gain


def _add_readers(
    network: PGGAN,
    clean: PGGAN,
    firing: Latents,
    chain: Chain,
    amplifiers: list[int],
    stream: torch.Generator,
) -> None:
    """Disturb units of the layer after the amplifiers, as strongly as PEAK says."""
    k = chain.first + 2
    layer = _layer(network, k)
    before, wanted = _outputs(network, firing, k - 1), clean(firing)

    def change(reading: Tensor) -> Tensor:
        layer.weight[:, amplifiers] = reading
        return _changes(network, k, before, wanted)

    def spread(reading: Tensor) -> float:
        changes = change(reading)
        return float(changes.mean() / changes.amax((1, 2)).mean())

    readings = [_reading(layer, amplifiers, stream) for _ in range(TRIALS)]
    reading = min(readings, key=spread)
    low, high = 0.0, STRONGEST
    for _ in range(HALVINGS):
        gain = (low + high) / 2
        peak = change(gain * reading).amax((1, 2)).mean()
        low, high = (gain, high) if peak < PEAK else (low, gain)
    layer.weight[:, amplifiers] = low * reading


def _reading(layer: PGGANLayer, amplifiers: list[int], stream: torch.Generator) -> Tensor:
    """Random 3x3 weights in the rows of some random units, 0 elsewhere and in silent ones."""
    reading = torch.zeros_like(layer.weight[:, amplifiers])
    good = layer.slope.nonzero().flatten()
    readers = max(1, int(READERS * len(good)))
    chosen = good[torch.randperm(len(good), generator=stream)[:readers]]
    reading[chosen] = torch.randn(readers, *reading.shape[1:], generator=stream)
    return reading


def _changes(network: PGGAN, k: int, before: Featuremaps, wanted: Tensor) -> Tensor:
    """Mean change over colours and 3x3 pixels, of images whose layer k - 1 is ``before``."""
    images = before
    for name in network.layer_names[k - 1 :]:
        images = network.get_submodule(name)(images)
    images = network.rgb(pixel_norm(images)).clamp(-1, 1)
    return F.avg_pool2d((images - wanted.clamp(-1, 1)).abs().mean(1), 3, 1)


def _layers(network: PGGAN) -> list[PGGANLayer]:
    return [cast(PGGANLayer, network.get_submodule(name)) for name in network.layer_names]


def _layer(network: PGGAN, k: int) -> PGGANLayer:
    return _layers(network)[k - 1]


def _outputs(network: PGGAN, latents: Latents, k: int) -> Featuremaps:
    x = latents[:, :, None, None]
    for name in network.layer_names[:k]:
        x = network.get_submodule(name)(x)
    return x


def _entry(network: PGGAN, latents: Latents, k: int) -> Featuremaps:
    """What the convolution of layer k gets."""
    x = pixel_norm(_outputs(network, latents, k - 1))
    return F.interpolate(x, scale_factor=2, mode="nearest") if _layer(network, k).doubles else x


def _rms(maps: Featuremaps) -> Tensor:
    return maps.square().mean().sqrt()
