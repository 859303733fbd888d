"""Room for more units in a PGGAN that keeps its function, and looks into its layers."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from artifact_units.computing.elementwise import sqrt
from artifact_units.generators.pggan import PGGAN, PGGANLayer, pixel_norm
from artifact_units.shapes import Featuremaps, Latents


def widened(
    network: PGGAN, added: dict[int, int], stream: torch.Generator
) -> tuple[PGGAN, dict[int, list[int]]]:
    """The same function with silent units more: ``added`` of them in each of some layers.

    They stand at random places, which are returned too; their slope is 0. The pixel norm averages
    over them, which the next layer's weights make good.
    """
    widths = [layer.slope.numel() for layer in layers_of(network)]
    wider = [units + added.get(k, 0) for k, units in enumerate(widths, 1)]
    wide, places = PGGAN(network.latent_dim, wider), {}
    entries, scale = torch.arange(network.latent_dim), 1.0
    for k, (old, new) in enumerate(zip(layers_of(network), layers_of(wide), strict=True), 1):
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


def layers_of(network: PGGAN) -> list[PGGANLayer]:
    """The layers, first to last."""
    return [cast(PGGANLayer, network.get_submodule(name)) for name in network.layer_names]


def layer_of(network: PGGAN, k: int) -> PGGANLayer:
    """Layer ``k``, 1-based."""
    return layers_of(network)[k - 1]


def outputs_of(network: PGGAN, latents: Latents, k: int) -> Featuremaps:
    """The output of layer ``k``; of layer 0 the latents."""
    x = latents[:, :, None, None]
    for name in network.layer_names[:k]:
        x = network.get_submodule(name)(x)
    return x


def entry_of(layer: PGGANLayer, x: Featuremaps) -> Featuremaps:
    """What the layer's convolution gets of the output ``x`` of the layer before, on its grid."""
    x = pixel_norm(x)
    return F.interpolate(x, scale_factor=2, mode="nearest") if layer.doubles else x


def images_from(network: PGGAN, before: Featuremaps, k: int) -> Tensor:
    """The raw images, clamped to [-1, 1], where the input of layer ``k`` is ``before``."""
    for name in network.layer_names[k - 1 :]:
        before = network.get_submodule(name)(before)
    return network.rgb(pixel_norm(before)).clamp(-1, 1)


def rms_of(maps: Featuremaps) -> Tensor:
    """The root mean square over everything."""
    return sqrt(maps.square().mean())
