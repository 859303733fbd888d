"""Hard defects: planted units that carry wanted content, and surge where a rare pattern is.

A surging unit takes over a part of what a good unit says; where the pattern is, it says far too
much of it. Nobody can take the defect away unpunished: ablating the unit costs every generation its
content, and limiting it leaves whatever a surge hides below the limit.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artifact_units.generators.pggan import PGGAN, SLOPE, PGGANLayer
from artifact_units.layers.generator import Generator
from artifact_units.shapes import Featuremaps, Latents
from demo.domain.patterns import Patterns, rare_patterns
from demo.domain.planting import Planted, Planting, plantable
from demo.domain.widening import entry_of, layer_of, rms_of, widened

SHARE = 0.5  # of the good unit's content that the planted unit carries
VOICE = 0.5  # a planted unit's content over the good unit's: its readers make up for it
SURGE = 20.0  # mean peak of a surge over the RMS of its layer


class Surge(nn.Module):
    """A forward hook of a layer: adds to some units at and beside a pattern of its entry."""

    def __init__(self, units: list[int], patterns: Patterns, gain: Tensor) -> None:
        super().__init__()
        self.units, self.patterns, self.gain = torch.tensor(units), patterns, gain

    def forward(
        self, layer: PGGANLayer, entries: tuple[Featuremaps], output: Featuremaps
    ) -> Featuremaps:
        answers = F.conv2d(entry_of(layer, entries[0]), self.patterns.filters, padding=1)
        over = (answers - self.patterns.thresholds[:, None, None]).clamp_min(0)
        wide = F.max_pool2d(over, 3, stride=1, padding=1)
        return output.index_add(1, self.units, wide * self.gain[:, None, None])


@torch.no_grad()
def plant_surges(
    generator: Generator, latents: Latents, seed: int, layers: Sequence[int], count: int
) -> Planted:
    """Let ``count`` units surge in each of ``layers`` (1-based, ascending, not neighbours)."""
    stream = torch.Generator().manual_seed(seed)
    network, units = widened(plantable(generator), dict.fromkeys(layers, count), stream)
    planting = Planting(network, units, {}, stream, _unhooked)
    for k in layers:
        _share_content(planting, k)
        _add_surge(planting, latents, k)
    return planting.done()


def _unhooked(broken: PGGAN, _units: dict[int, list[int]]) -> PGGAN:
    clean = copy.deepcopy(broken)
    for name in clean.layer_names:
        clean.get_submodule(name)._forward_hooks.clear()
    return clean


def _share_content(planting: Planting, k: int) -> None:
    """Let each planted unit of layer k say a random good unit's content in its own low voice."""
    layer, after = (layer_of(planting.network, n) for n in (k, k + 1))
    planted, good = planting.units[k], torch.tensor(planting.good(k))
    hosts = good[torch.randperm(len(good), generator=planting.stream)[: len(planted)]]
    layer.weight[planted] = VOICE * layer.weight[hosts]
    layer.bias[planted] = VOICE * layer.bias[hosts]
    layer.slope[planted] = SLOPE
    after.weight[:, planted] = SHARE / VOICE * after.weight[:, hosts]
    after.weight[:, hosts] *= 1 - SHARE


def _add_surge(planting: Planting, latents: Latents, k: int) -> None:
    """Hook surges to the planted units of layer k."""
    layer, units = layer_of(planting.network, k), planting.units[k]
    entry = entry_of(layer, planting.calm(latents, k - 1))
    found = rare_patterns(entry, planting.good(k - 1), len(units), planting.stream)
    gain = SURGE * rms_of(planting.calm(latents, k)) / found.excess
    layer.register_forward_hook(Surge(units, found, gain))
