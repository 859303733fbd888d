"""BigGAN (Brock et al., ICLR 2019) and U-Net GAN's generator: the network.

``linear`` -> blocks of (batch norm conditioned on y, ReLU, nearest x2, convolution, batch norm,
ReLU, convolution) plus a 1x1 convolution of the doubled input -> batch norm, ReLU, convolution,
tanh. ``layer k`` is the output of block k, after its attention if it has one: signed, and read by
the next batch norm, so that zero is not "off" for its units.

What y is, by variant: ``shared`` an embedded class (with a chunk of the latent where hierarchical),
``embedding`` a gain and a bias a class, ``latent`` two-layer networks of z (unconditional).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artifact_units.computing.elementwise import tanh
from artifact_units.layers.generator import Generator, Layer
from artifact_units.layers.layouts import OWN, NotExact

EPSILON = 1e-5
VANISHING = 2.0**-40


class ConditionalNorm(nn.Module):
    """Batch norm by stored statistics with a gain and a bias that depend on y."""

    mean: Tensor
    var: Tensor

    def __init__(self, units: int, variant: str, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(units))
        self.register_buffer("var", torch.ones(units))
        self.gain, self.bias = (self._map(units, variant, size) for _ in range(2))

    @staticmethod
    def _map(units: int, variant: str, size: int) -> nn.Module:
        if variant == "embedding":
            return nn.Embedding(size, units)
        if variant == "latent":
            return nn.Sequential(
                nn.Linear(size, size), nn.ReLU(), nn.Linear(size, units, bias=False)
            )
        return nn.Linear(size, units, bias=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        scale = (1 + self.gain(y)) * (self.var + EPSILON).rsqrt()
        shift = self.bias(y) - self.mean * scale
        return torch.addcmul(shift[:, :, None, None], x, scale[:, :, None, None])


class Block(nn.Module):
    """One residual block; doubles the grid."""

    def __init__(self, entries: int, units: int, variant: str, size: int) -> None:
        super().__init__()
        self.bn1 = ConditionalNorm(entries, variant, size)
        self.conv1 = nn.Conv2d(entries, units, 3, padding=1)
        self.bn2 = ConditionalNorm(units, variant, size)
        self.conv2 = nn.Conv2d(units, units, 3, padding=1)
        self.conv_sc = nn.Conv2d(entries, units, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        a = self.conv1(_doubled(self.bn1(x, y).relu_()))
        a = self.conv2(self.bn2(a, y).relu_())
        # A 1x1 convolution and nearest x2 commute; the small grid is the cheaper.
        return a + _doubled(self.conv_sc(x))


def attention_shapes(units: int) -> dict[str, tuple[int, int]]:
    """(units out, units in) of each 1x1 convolution of ``Attention``."""
    few, half = units // 8, units // 2
    return {"theta": (few, units), "phi": (few, units), "g": (half, units), "o": (units, half)}


class Attention(nn.Module):
    """Self-attention (Zhang et al., 2019): each position adds a mixture of pooled positions."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.theta, self.phi, self.g, self.o = (
            nn.Conv2d(entries, exits, 1, bias=False)
            for exits, entries in attention_shapes(units).values()
        )
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        theta = self.theta(x).flatten(2)
        phi = F.max_pool2d(self.phi(x), 2).flatten(2)
        g = F.max_pool2d(self.g(x), 2).flatten(2)
        mixture = g @ (theta.transpose(1, 2) @ phi).softmax(-1).transpose(1, 2)
        return self.gamma * self.o(mixture.unflatten(2, x.shape[2:])) + x


class Stage(nn.Module):
    """A layer: a block, and the attention after it where there is one."""

    def __init__(self, block: nn.Module, attention: nn.Module | None) -> None:
        super().__init__()
        self.block = block
        self.attention = attention

    def forward(self, x: Tensor, *condition: Any) -> Tensor:
        x = self.block(x, *condition)
        return self.attention(x) if self.attention is not None else x


class BigGAN(nn.Module):
    """latents ``[batch, latent_dim]`` (and classes) -> images ``[batch, 3, px, px]`` in (-1, 1).

    ``widths``: the units that enter block 1, then those of each block's output. ``size``: the
    values of a shared class embedding; ``chunk``: of the latent's part that each block is given;
    ``attention``: the layers that end in it.
    """

    def __init__(
        self,
        latent_dim: int,
        widths: Sequence[int],
        variant: str,
        classes: int = 0,
        size: int = 0,
        chunk: int = 0,
        attention: Sequence[int] = (),
        bottom: int = 4,
    ) -> None:
        super().__init__()
        self.given = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        self.latent_dim, self.variant, self.bottom, self.chunk = latent_dim, variant, bottom, chunk
        self.classes, self.widths = classes, list(widths)
        self.layer_names = [f"layer{k}" for k in range(1, len(widths))]
        self.linear = nn.Linear(chunk or latent_dim, widths[0] * bottom**2)
        if variant == "shared":
            self.shared = nn.Embedding(classes, size)
        inside = {"shared": size + chunk, "embedding": classes, "latent": latent_dim}[variant]
        for k, name in enumerate(self.layer_names, start=1):
            block = Block(widths[k - 1], widths[k], variant, inside)
            self.add_module(name, Stage(block, Attention(widths[k]) if k in attention else None))
        self.bn = nn.BatchNorm2d(widths[-1], eps=EPSILON)
        self.rgb = nn.Conv2d(widths[-1], 3, 3, padding=1)

    def forward(self, latents: Tensor, classes: Tensor | None = None) -> Tensor:
        parts = latents.split(self.chunk, 1) if self.chunk else [latents]
        x = self.linear(parts[0]).view(len(latents), -1, self.bottom, self.bottom)
        if self.variant == "latent":
            given = latents
        else:
            assert classes is not None  # Generator checks it
            given = self.shared(classes) if self.variant == "shared" else classes
        for k, name in enumerate(self.layer_names, start=1):
            y = torch.cat([given, parts[k]], 1) if self.chunk else given
            x = self.get_submodule(name)(x, y)
        return tanh(self.rgb(self.bn(x).relu()))

    def config(self) -> dict[str, Any]:
        """What the constructor was given."""
        return self.given


def as_generator(network: BigGAN, layout: str, notes: tuple[str, ...] = ()) -> Generator:
    """A BigGAN as a frozen ``Generator``; layers are named as ajbrock's modules are."""
    network.eval().requires_grad_(False)
    layers, inner = [], {"linear": "linear"}
    for k, name in enumerate(network.layer_names):
        px = network.bottom * 2 ** (k + 1)
        attended = network.get_submodule(name).attention is not None
        module = f"blocks.{k}.{int(attended)}" if layout != OWN else name
        layers.append(Layer(name, module, network.widths[k + 1], px, px, signed=True))
        if attended:
            inner[f"blocks.{k}.0"] = f"{name}.block"
        inner[f"blocks.{k}.0.conv1"] = f"{name}.block.conv1"
    px = layers[-1].height
    return Generator(
        network, layout, tuple(layers), network.latent_dim, px, network.classes, inner, notes
    )


def scale_statistics(mean: Tensor, var: Tensor, factor: float, epsilon: float) -> None:
    """Change, in place, the statistics of a batch norm so that it reads factor * x for x.

    For 0 the factor is 2 ** -40, which leaves nothing of x within float32; a power of two, so that
    what remains, -mean / std, keeps every bit.
    """
    factor = factor or VANISHING
    moved = (var + epsilon) / factor**2 - epsilon
    if factor < 0 or (moved < 0).any():
        raise NotExact(f"a batch norm's statistics cannot hold the factor {factor:g}")
    mean /= factor
    var.copy_(moved)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
