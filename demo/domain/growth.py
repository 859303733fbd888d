"""A PGGAN's weights while it grows: raw, scaled at use, with an exit to RGB a resolution."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artifact_units.generators.pggan import PGGAN, SLOPE, pixel_norm
from artifact_units.shapes import Latents, RawImages

WIDTHS = (64, 64, 64, 64, 64, 64, 32, 32, 16, 16)  # two layers a resolution: 4, 8, … 64 px
LATENT_DIM = 64
PX = 4 * 2 ** (len(WIDTHS) // 2 - 1)

PARTS = ("weight", "bias")

Weights = dict[str, Tensor]


class Growing:
    """The weights of all resolutions, from ``torch``'s random stream, in layer order."""

    def __init__(self) -> None:
        self.raw: Weights = {}
        self.scale: dict[str, float] = {}
        entries = LATENT_DIM
        for k, units in enumerate(WIDTHS, 1):
            kernel = 4 if k == 1 else 3
            shape = (units, entries, kernel, kernel)
            self._add(f"layer{k}", shape, math.sqrt(2 / (kernel**2 * entries)))
            entries = units
        for i, units in enumerate(WIDTHS[1::2]):
            self._add(f"rgb{4 * 2**i}", (3, units, 1, 1), 1 / math.sqrt(units))

    def at(self, px: int) -> None:
        """Begin a resolution."""
        # An unused exit to RGB is drawn for it and for half of it, as when the shipped checkpoint
        # was trained: without these draws the same command would give another network.
        for drawn in (px, px // 2):
            nn.Conv2d(WIDTHS[_layers(drawn) - 1], 3, 1)

    def network(self, weights: Weights) -> PGGAN:
        """The full-size network with these raw weights."""
        network = PGGAN(LATENT_DIM, WIDTHS)
        network.load_state_dict(self._effective(weights, PX), strict=False)
        return network

    def generate(self, weights: Weights, latents: Latents, px: int, alpha: float) -> RawImages:
        """Images at ``px`` from raw weights; ``alpha`` < 1 mixes in the lower resolution."""
        images = self._images(weights, latents, px)
        if alpha < 1:
            low = self._images(weights, latents, px // 2)
            low = F.interpolate(low, scale_factor=2, mode="nearest")
            images = low + alpha * (images - low)
        return images

    def _images(self, weights: Weights, latents: Latents, px: int) -> RawImages:
        # The arithmetic of PGGANLayer in its plainest form: training is to give the same network
        # however that layer is made faster.
        effective = self._effective(weights, px)
        x = latents[:, :, None, None]
        for k, units in enumerate(WIDTHS[: _layers(px)], 1):
            x = pixel_norm(x)
            if k > 1 and k % 2:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            weight, bias = (effective[f"layer{k}.{part}"] for part in PARTS)
            x = F.conv2d(x, weight, bias, padding=3 if k == 1 else 1)
            x = F.prelu(x, torch.full((units,), SLOPE))
        return F.conv2d(pixel_norm(x), effective["rgb.weight"], effective["rgb.bias"])

    def _effective(self, weights: Weights, px: int) -> Weights:
        names = {f"layer{k}": f"layer{k}" for k in range(1, _layers(px) + 1)} | {"rgb": f"rgb{px}"}
        return {
            f"{name}.{part}": weights[f"{raw}.{part}"] * self.scale[f"{raw}.{part}"]
            for name, raw in names.items()
            for part in PARTS
        }

    def _add(self, name: str, shape: tuple[int, ...], scale: float) -> None:
        self.raw[f"{name}.weight"] = nn.Parameter(torch.randn(shape))
        self.raw[f"{name}.bias"] = nn.Parameter(torch.zeros(shape[0]))
        self.scale |= {f"{name}.weight": scale, f"{name}.bias": 1.0}


def _layers(px: int) -> int:
    return 2 * (int(math.log2(px)) - 1)
