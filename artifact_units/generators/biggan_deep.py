"""BigGAN-deep (Brock et al., ICLR 2019, appendix B) as Hugging Face has it: the network.

Bottleneck blocks (1x1, 3x3 after an optional nearest x2, 3x3, 1x1) under four batch norms that
depend on the latent and the embedded class; the skip is the identity, cut to half the units where
a block narrows. Batch statistics come from a table over truncations. ``layer k`` is the output of
block k, after its attention if it has one: signed, zero is not "off" for its units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artifact_units.computing.elementwise import tanh
from artifact_units.errors import UserError
from artifact_units.generators.biggan import Attention, Stage
from artifact_units.layers.generator import Generator, Layer
from artifact_units.layers.layouts import OWN

EPSILON = 1e-4  # of every batch norm in the public files


class TruncatedNorm(nn.Module):
    """Batch norm by the statistics of one truncation; gain and bias from the condition, if any."""

    means: Tensor
    variances: Tensor

    def __init__(self, units: int, steps: int, condition: int = 0) -> None:
        super().__init__()
        self.register_buffer("means", torch.zeros(steps, units))
        self.register_buffer("variances", torch.ones(steps, units))
        if condition:
            self.scale = nn.Linear(condition, units, bias=False)
            self.offset = nn.Linear(condition, units, bias=False)
        else:
            self.weight = nn.Parameter(torch.ones(units))
            self.bias = nn.Parameter(torch.zeros(units))

    def forward(self, x: Tensor, truncation: float, condition: Tensor | None = None) -> Tensor:
        mean, variance = (self._at(table, truncation) for table in (self.means, self.variances))
        weight, bias = (
            (self.weight, self.bias)
            if condition is None
            else (1 + self.scale(condition), self.offset(condition))
        )
        scale = weight * (variance + EPSILON).rsqrt()
        shift = bias - mean * scale
        return torch.addcmul(shift[..., None, None], x, scale[..., None, None])

    def _at(self, table: Tensor, truncation: float) -> Tensor:
        # Between two entries the peer gives the lower one the fraction, not the rest: kept, since
        # checkpoints are judged by what it draws. Rounded, as a float32 truncation is no multiple.
        fraction, place = math.modf(round(truncation * (len(table) - 1), 4))
        low = table[int(place)]
        return low if fraction == 0 else low * fraction + table[int(place) + 1] * (1 - fraction)


class DeepBlock(nn.Module):
    """One bottleneck block; doubles the grid where asked."""

    def __init__(
        self, widths: tuple[int, int, int], steps: int, condition: int, doubles: bool
    ) -> None:
        super().__init__()
        entries, middle, units = widths
        self.units, self.doubles = units, doubles
        for i, width in enumerate((entries, middle, middle, middle)):
            self.add_module(f"bn_{i}", TruncatedNorm(width, steps, condition))
        self.conv_0 = nn.Conv2d(entries, middle, 1)
        self.conv_1 = nn.Conv2d(middle, middle, 3, padding=1)
        self.conv_2 = nn.Conv2d(middle, middle, 3, padding=1)
        self.conv_3 = nn.Conv2d(middle, units, 1)

    def forward(self, x: Tensor, condition: Tensor, truncation: float) -> Tensor:
        a = x
        for i in range(4):
            a = self.get_submodule(f"bn_{i}")(a, truncation, condition).relu_()
            a = _doubled(a) if i == 1 and self.doubles else a
            a = self.get_submodule(f"conv_{i}")(a)
        x = x[:, : self.units]
        return a + (_doubled(x) if self.doubles else x)


class BigGANDeep(nn.Module):
    """latents ``[batch, latent_dim]`` and classes -> ``[batch, 3, px, px]`` in (-1, 1).

    ``blocks``: (doubles, units that enter, middle, units that leave) of each. ``truncation``, in
    (0, 1], chooses the batch statistics; the latents should be drawn with it.
    """

    def __init__(
        self,
        latent_dim: int,
        classes: int,
        size: int,
        steps: int,
        blocks: Sequence[Sequence[int]],
        attention: Sequence[int],
        colours: int,
    ) -> None:
        super().__init__()
        self.given = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        self.latent_dim, self.classes, self.blocks = latent_dim, classes, blocks
        self.layer_names = [f"layer{k}" for k in range(1, len(blocks) + 1)]
        condition = latent_dim + size
        self.embeddings = nn.Linear(classes, size, bias=False)
        self.gen_z = nn.Linear(condition, 16 * blocks[0][1])
        for k, (name, (doubles, *widths)) in enumerate(
            zip(self.layer_names, blocks, strict=True), 1
        ):
            block = DeepBlock((widths[0], widths[1], widths[2]), steps, condition, bool(doubles))
            self.add_module(name, Stage(block, Attention(widths[2]) if k in attention else None))
        self.bn = TruncatedNorm(blocks[-1][3], steps)
        self.rgb = nn.Conv2d(blocks[-1][3], colours, 3, padding=1)

    def forward(self, latents: Tensor, classes: Tensor, truncation: float = 1.0) -> Tensor:
        if not 0 < truncation <= 1:
            raise UserError(f"truncation is {truncation:g}; this generator takes 0 … 1")
        condition = torch.cat([latents, self.embeddings.weight.t()[classes]], 1)
        x = self.gen_z(condition).view(len(latents), 4, 4, -1).permute(0, 3, 1, 2).contiguous()
        for name in self.layer_names:
            x = self.get_submodule(name)(x, condition, truncation)
        return tanh(self.rgb(self.bn(x, truncation).relu_())[:, :3])

    def config(self) -> dict[str, Any]:
        """What the constructor was given."""
        return self.given


def as_generator(
    network: BigGANDeep, layout: str, numbers: Sequence[int] = (), notes: tuple[str, ...] = ()
) -> Generator:
    """A BigGAN-deep as a frozen ``Generator``; ``numbers``: each block's place in its layout."""
    network.eval().requires_grad_(False)
    px, layers, inner = 4, [], {}
    for k, name in enumerate(network.layer_names):
        px *= 2 if network.blocks[k][0] else 1
        attended = network.get_submodule(name).attention is not None
        module = name if layout == OWN else f"generator.layers.{numbers[k] + attended}"
        layers.append(Layer(name, module, network.blocks[k][3], px, px, signed=True))
        if attended and layout != OWN:
            inner[f"generator.layers.{numbers[k]}"] = f"{name}.block"
    return Generator(
        network, layout, tuple(layers), network.latent_dim, px, network.classes, inner, notes
    )


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
