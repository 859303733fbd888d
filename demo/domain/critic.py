"""The critic of the embedded domain's GAN: the generator's mirror, one entry a resolution."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artifact_units.computing.elementwise import sqrt
from artifact_units.shapes import RawImages

DENSE = 96  # units of the last hidden layer
GROUPS = 4  # the minibatch's standard deviation is taken over this many images


def act(x: Tensor) -> Tensor:
    """The critic's leaky ReLU."""
    return F.leaky_relu(x, 0.2)


class Conv(nn.Module):
    """A convolution with equalised learning rate (Karras et al., ICLR 2018, section 4.1)."""

    def __init__(self, entries: int, units: int, kernel: int, gain: float = math.sqrt(2)) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(units, entries, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(units))
        self.scale = gain / math.sqrt(entries * kernel * kernel)
        self.padding = 1 if kernel == 3 else 0

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


class Critic(nn.Module):
    """``critic(images, px, alpha)`` -> logits ``[batch, 1]``, high for real images.

    ``widths`` are the units at 4, 8, 16 … pixels; ``alpha`` < 1 fades the resolution ``px`` in.
    The batch is a multiple of 4.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        width = {4 * 2**i: units for i, units in enumerate(widths)}
        grown = list(width)[1:]
        self.rgb = nn.ModuleDict({str(px): Conv(3, width[px], 1) for px in width})
        self.first = nn.ModuleDict({str(px): Conv(width[px], width[px], 3) for px in grown})
        self.second = nn.ModuleDict({str(px): Conv(width[px], width[px // 2], 3) for px in grown})
        self.last = Conv(width[4] + 1, widths[0], 3)
        self.dense = Conv(widths[0], DENSE, 4)
        self.out = Conv(DENSE, 1, 1, gain=1.0)

    def forward(self, images: RawImages, px: int, alpha: float) -> Tensor:
        x = self._block(act(self.rgb[str(px)](images)), px)
        if alpha < 1:
            low = act(self.rgb[str(px // 2)](F.avg_pool2d(images, 2)))
            x = low + alpha * (x - low)
        while px > 8:
            px //= 2
            x = self._block(x, px)
        x = act(self.last(torch.cat([x, _variety(x)], 1)))
        return self.out(act(self.dense(x))).float().flatten(1)

    def _block(self, x: Tensor, px: int) -> Tensor:
        return F.avg_pool2d(act(self.second[str(px)](act(self.first[str(px)](x)))), 2)


def _variety(x: Tensor) -> Tensor:
    """How much the images of a minibatch differ, as one more unit (section 3 there)."""
    groups = x.float().unflatten(0, (GROUPS, -1))
    deviation = sqrt(groups.var(0, unbiased=False).add(1e-8)).mean((1, 2, 3))
    return deviation.repeat(GROUPS)[:, None, None, None].expand(-1, 1, *x.shape[2:]).to(x.dtype)
