"""StyleGAN2 (Karras et al., CVPR 2020), skip architecture: the network, from the mathematics.

Mapping: normalised z -> fully connected layers -> w. Synthesis: a constant 4x4 input, then one
layer at 4 px and two at each further resolution: scale the input's units by the style, convolve
(a doubling layer: transposed convolution, then the [1, 3, 3, 1] filter), scale each output unit
back to unit variance, add the layer's fixed noise and the bias, leaky ReLU times sqrt 2. After
each resolution a to-RGB adds to the doubled image so far. ``layer1`` is the layer at 4 px,
``layer{2i}`` and ``layer{2i+1}`` those at 4 * 2**i px; a layer's output is after its activation.

Scaling inputs and outputs, not the weights of each generation, lets a batch share one convolution.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artifact_units.computing.transfers import sent
from artifact_units.layers.generator import Generator, Layer
from artifact_units.layers.layouts import OWN, one_hot

EPSILON = 1e-8
GAIN = math.sqrt(2)
SLOPE = 0.2
TAPS = (1.0, 3.0, 3.0, 1.0)


def normalised(x: Tensor) -> Tensor:
    """Divide each row by its root mean square."""
    return x * (x.square().mean(1, keepdim=True) + EPSILON).rsqrt()


def smoothed(x: Tensor, before: int, after: int) -> Tensor:
    """Pad, and filter rows and columns by TAPS with gain 4 in all, as a zero-inserted map needs."""
    taps = sent(torch.tensor(TAPS, dtype=x.dtype) / 4, x.device)
    units = x.shape[1]
    x = F.pad(x, (before, after, before, after))
    x = F.conv2d(x, taps.view(1, 1, 4, 1).expand(units, 1, 4, 1), groups=units)
    return F.conv2d(x, taps.view(1, 1, 1, 4).expand(units, 1, 1, 4), groups=units)


def doubled(image: Tensor) -> Tensor:
    """Zero insertion and the filter: the image at twice the size."""
    batch, colours, rows, cols = image.shape
    wide = image.new_zeros(batch, colours, rows, 2, cols, 2)
    wide[:, :, :, 0, :, 0] = image
    return smoothed(wide.view(batch, colours, 2 * rows, 2 * cols), 2, 1)


class StyledLayer(nn.Module):
    """One layer of the synthesis; ``clamp`` bounds its output (0: it does not).

    ``style``: w -> a factor for each unit that enters; weight scale and the peers' + 1 are in it.
    """

    noise: Tensor
    noise_strength: Tensor
    power: Tensor

    def __init__(
        self, entries: int, units: int, w_dim: int, px: int, doubles: bool, clamp: float
    ) -> None:
        super().__init__()
        self.doubles, self.clamp = doubles, clamp
        self.style = nn.Linear(w_dim, entries)
        self.weight = nn.Parameter(torch.zeros(units, entries, 3, 3))
        self.bias = nn.Parameter(torch.zeros(units))
        self.register_buffer("noise", torch.zeros(px, px))
        self.register_buffer("noise_strength", torch.zeros(()))
        # Squared weights summed over the kernel, once: what the demodulation needs.
        self.register_buffer("power", torch.zeros(units, entries), persistent=False)

    def prepare(self) -> None:
        """Compute what depends on the weights alone; after they are loaded."""
        self.power.copy_(self.weight.square().sum((2, 3)))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = self.style(w)
        demodulation = GAIN * (style.square() @ self.power.t() + EPSILON).rsqrt()
        x = x * style[:, :, None, None]
        if self.doubles:
            x = F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2)
            x = smoothed(x, 1, 1)
        else:
            x = F.conv2d(x, self.weight, padding=1)
        # sqrt 2 passes the leaky ReLU, so it is multiplied into the small factors.
        offset = GAIN * (self.noise * self.noise_strength + self.bias[:, None, None])
        x = F.leaky_relu_(torch.addcmul(offset, x, demodulation[:, :, None, None]), SLOPE)
        return x.clamp_(-self.clamp, self.clamp) if self.clamp else x


class ToRGB(nn.Module):
    """Modulated 1x1 convolution without demodulation, to the image's colours."""

    def __init__(self, entries: int, w_dim: int, clamp: float) -> None:
        super().__init__()
        self.clamp = clamp
        self.style = nn.Linear(w_dim, entries)
        self.weight = nn.Parameter(torch.zeros(3, entries, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        x = F.conv2d(x * self.style(w)[:, :, None, None], self.weight, self.bias)
        return x.clamp_(-self.clamp, self.clamp) if self.clamp else x


class Sum(nn.Module):
    """The image so far, doubled, plus the colours of one resolution."""

    def forward(self, image: Tensor | None, colours: Tensor) -> Tensor:
        return colours if image is None else doubled(image) + colours


class Mapping(nn.Module):
    """latents (and classes) -> w ``[batch, w_dim]``.

    ``label`` is where the class enters: "" (no classes), "apart" (normalised apart from the
    latent, NVIDIA), "together" (normalised with it, GenForce).
    """

    def __init__(self, sizes: Sequence[int], classes: int, label: str, label_size: int) -> None:
        super().__init__()
        self.classes, self.label = classes, label
        if label:
            self.embed = nn.Linear(classes, label_size)
        pairs = itertools.pairwise(sizes)
        self.layers = nn.ModuleList(nn.Linear(n, m) for n, m in pairs)

    def forward(self, latents: Tensor, classes: Tensor | None) -> Tensor:
        x = latents
        if self.label:
            assert classes is not None  # Generator checks it
            embedded = self.embed(one_hot(classes, self.classes))
            parts = (
                [normalised(x), normalised(embedded)] if self.label == "apart" else [x, embedded]
            )
            x = torch.cat(parts, 1)
        x = x if self.label == "apart" else normalised(x)
        for layer in self.layers:
            x = GAIN * F.leaky_relu(layer(x), SLOPE)
        return x


class StyleGAN2(nn.Module):
    """latents ``[batch, latent_dim]`` (and classes) -> raw images, nominally in [-1, 1].

    ``sizes``: the values that enter the mapping's first layer, then what each gives. ``widths``:
    the constant's units, then those of each layer.
    """

    w_avg: Tensor

    def __init__(
        self,
        latent_dim: int,
        sizes: Sequence[int],
        widths: Sequence[int],
        classes: int = 0,
        label: str = "",
        clamp: float = 0.0,
    ) -> None:
        super().__init__()
        self.given = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        self.latent_dim, self.classes, self.widths = latent_dim, classes, list(widths)
        w_dim = sizes[-1]
        self.mapping = Mapping(sizes, classes, label, sizes[0] - latent_dim)
        self.register_buffer("w_avg", torch.zeros(w_dim))
        self.const = nn.Parameter(torch.zeros(widths[0], 4, 4))
        self.layer_names = [f"layer{k}" for k in range(1, len(widths))]
        for k, name in enumerate(self.layer_names):
            px = 4 * 2 ** ((k + 1) // 2)
            layer = StyledLayer(widths[k], widths[k + 1], w_dim, px, k % 2 == 1, clamp)
            self.add_module(name, layer)
            if k % 2 == 0:
                self.add_module(f"rgb{px}", ToRGB(widths[k + 1], w_dim, clamp))
                self.add_module(f"image{px}", Sum())

    def forward(
        self,
        latents: Tensor,
        classes: Tensor | None = None,
        truncation: float = 1.0,
        cutoff: int | None = None,
    ) -> Tensor:
        w = self.mapping(latents, classes)
        near = self.w_avg + truncation * (w - self.w_avg) if truncation != 1 else w

        def styled(place: int) -> Tensor:
            return near if cutoff is None or place < cutoff else w

        x = self.const.expand(len(latents), -1, -1, -1)
        image: Tensor | None = None
        for k, name in enumerate(self.layer_names):
            x = self.get_submodule(name)(x, styled(k))
            if k % 2 == 0:
                # A to-RGB has the style of the layer that comes next.
                colours = self.get_submodule(f"rgb{x.shape[2]}")(x, styled(k + 1))
                image = self.get_submodule(f"image{x.shape[2]}")(image, colours)
        assert image is not None
        return image

    def prepare(self) -> None:
        """Compute what depends on the weights alone; after they are loaded."""
        for name in self.layer_names:
            layer = self.get_submodule(name)
            assert isinstance(layer, StyledLayer)
            layer.prepare()

    def config(self) -> dict[str, Any]:
        """What the constructor was given."""
        return self.given


def as_generator(
    network: StyleGAN2,
    layout: str,
    modules: Sequence[str] = (),
    inner: dict[str, str] | None = None,
    notes: tuple[str, ...] = (),
) -> Generator:
    """A StyleGAN2 as a frozen ``Generator``; ``modules`` are the layers' names in its layout."""
    network.eval().requires_grad_(False).prepare()
    own = network.layer_names if layout == OWN else modules
    layers = tuple(
        Layer(name, module, network.widths[k + 1], px, px)
        for k, (name, module) in enumerate(zip(network.layer_names, own, strict=True))
        for px in [4 * 2 ** ((k + 1) // 2)]
    )
    px = layers[-1].height
    return Generator(
        network, layout, layers, network.latent_dim, px, network.classes, inner or {}, notes
    )
