"""Progressive GAN (Karras et al., ICLR 2018): the network, from the mathematics.

Layer k: pixel norm -> (nearest x2 where k is odd and k > 1) -> convolution -> bias -> leaky ReLU.
``layer1`` is the 4x4 convolution on the latent; layers 2i+1 and 2i+2 work at 4 * 2**i pixels. A
layer's output is un-normalised: the pixel norm sits at the entry of the next layer, which is the
numbering of GAN Dissection and of the paper (``layer1`` ... ``layer14`` at 256 px).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SLOPE = 0.2
EPSILON = 1e-8


def pixel_norm(x: Tensor) -> Tensor:
    """Divide each position by the root mean square of its units."""
    return x * (x.square().mean(1, keepdim=True) + EPSILON).rsqrt()


class PGGANLayer(nn.Module):
    """One layer; ``weight`` already holds the equalised learning-rate scale.

    ``slope`` is the leaky ReLU's slope of each unit: 0.2 in every public checkpoint; a planted
    unit of the embedded domain has 0.
    """

    slope: Tensor

    def __init__(self, entries: int, units: int, kernel: int, doubles: bool) -> None:
        super().__init__()
        self.doubles = doubles
        self.padding = 3 if kernel == 4 else 1
        self.weight = nn.Parameter(torch.zeros(units, entries, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(units))
        self.register_buffer("slope", torch.full((units,), SLOPE))

    def forward(self, x: Tensor) -> Tensor:
        x = pixel_norm(x)
        if self.doubles:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        return F.prelu(F.conv2d(x, self.weight, self.bias, padding=self.padding), self.slope)


class PGGAN(nn.Module):
    """latents ``[batch, latent_dim]`` -> raw images ``[batch, 3, px, px]``, nominally in [-1, 1]."""

    def __init__(self, latent_dim: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.image_px = 4 * 2 ** (len(widths) // 2 - 1)
        self.layer_names = [f"layer{k}" for k in range(1, len(widths) + 1)]
        entries = latent_dim
        for k, (name, units) in enumerate(zip(self.layer_names, widths, strict=True), start=1):
            doubles = k > 1 and k % 2 == 1
            self.add_module(name, PGGANLayer(entries, units, 4 if k == 1 else 3, doubles))
            entries = units
        self.rgb = nn.Conv2d(entries, 3, 1)

    def forward(self, latents: Tensor) -> Tensor:
        x = latents[:, :, None, None]
        for name in self.layer_names:
            x = self.get_submodule(name)(x)
        return self.rgb(pixel_norm(x))
