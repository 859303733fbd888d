"""Progressive GAN (Karras et al., ICLR 2018): the network, from the mathematics, and its layouts.

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

from artifact_units.layers.generator import Generator, Layer
from artifact_units.layers.layouts import one_hot

SLOPE = 0.2
EPSILON = 1e-8

# Nearest x2 and then a row of three taps is, at each of the two phases of the doubled grid, a row
# of two taps on the small grid: [phase, tap, tap of three].
PHASES = torch.tensor([[[1.0, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]])


def pixel_norm(x: Tensor) -> Tensor:
    """Divide each position by the root mean square of its units."""
    return x * (x.square().mean(1, keepdim=True) + EPSILON).rsqrt()


class PixelNorm(nn.Module):
    """``pixel_norm`` as a module, so that normalised featuremaps can be recorded and edited."""

    def forward(self, x: Tensor) -> Tensor:
        return pixel_norm(x)


class PGGANLayer(nn.Module):
    """One layer; ``weight`` already holds the equalised learning-rate scale.

    ``slope`` is the leaky ReLU's slope of each unit: 0.2 in every public checkpoint; a planted
    unit of the embedded domain has 0. ``bias`` is one value a unit, or one a unit and position.
    """

    slope: Tensor

    def __init__(self, entries: int, units: int, kernel: int, doubles: bool) -> None:
        super().__init__()
        self.doubles = doubles
        self.padding = 3 if kernel == 4 else 1
        self.norm = PixelNorm()
        self.weight = nn.Parameter(torch.zeros(units, entries, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(units))
        self.register_buffer("slope", torch.full((units,), SLOPE))
        self._kept: tuple[object, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        if self.doubles:
            x = self._doubled(x)
        elif self.bias.ndim == 1:
            x = F.conv2d(x, self.weight, self.bias, padding=self.padding)
        else:
            x = F.conv2d(x, self.weight, padding=self.padding) + self.bias
        return F.prelu(x, self.slope)

    def _doubled(self, x: Tensor) -> Tensor:
        """Nearest x2 and convolution, as four 2x2 convolutions of the small grid: 4/9 the work."""
        batch, _, rows, cols = x.shape
        four = F.conv2d(x, self._phases(), self.bias.repeat(4), padding=1)
        four = four.view(batch, 2, 2, -1, rows + 1, cols + 1)
        out = four.new_empty(batch, four.shape[3], rows, 2, cols, 2)
        for i in (0, 1):
            for j in (0, 1):
                out[:, :, :, i, :, j] = four[:, i, j, :, i : i + rows, j : j + cols]
        return out.view(batch, -1, 2 * rows, 2 * cols)

    def _phases(self) -> Tensor:
        """The four 2x2 kernels ``[2 * 2 * units, entries, 2, 2]``; kept while the weight is."""
        weight = self.weight
        frozen = not (weight.requires_grad or weight.is_inference())
        stamp = (weight.data_ptr(), weight._version) if frozen else None
        if self._kept is None or stamp is None or self._kept[0] != stamp:
            taps = PHASES.to(weight)
            with torch.autocast(weight.device.type, enabled=False):  # sums of weights, kept
                four = torch.einsum("prk,qsl,oikl->pqoirs", taps, taps, weight).flatten(0, 2)
            if stamp is None:
                return four
            self._kept = (stamp, four)
        return self._kept[1]


class PGGAN(nn.Module):
    """latents ``[batch, latent_dim]`` -> raw images ``[batch, 3, px, px]``, nominally in [-1, 1].

    With ``label_size``, the class is appended to the normalised latent as a one-hot vector.
    """

    def __init__(
        self,
        latent_dim: int,
        widths: Sequence[int],
        label_size: int = 0,
        position_bias: bool = False,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.widths = list(widths)
        self.label_size = label_size
        self.position_bias = position_bias
        self.image_px = 4 * 2 ** (len(widths) // 2 - 1)
        self.layer_names = [f"layer{k}" for k in range(1, len(widths) + 1)]
        entries = latent_dim + label_size
        for k, (name, units) in enumerate(zip(self.layer_names, widths, strict=True), start=1):
            doubles = k > 1 and k % 2 == 1
            self.add_module(name, PGGANLayer(entries, units, 4 if k == 1 else 3, doubles))
            entries = units
        if position_bias:
            self.get_submodule("layer1").bias = nn.Parameter(torch.zeros(widths[0], 4, 4))
        self.rgb_norm = PixelNorm()
        self.rgb = nn.Conv2d(entries, 3, 1)

    def forward(self, latents: Tensor, classes: Tensor | None = None) -> Tensor:
        if classes is not None:
            latents = torch.cat([pixel_norm(latents), one_hot(classes, self.label_size)], 1)
        x = latents[:, :, None, None]
        for name in self.layer_names:
            x = self.get_submodule(name)(x)
        return self.rgb(self.rgb_norm(x))

    def config(self) -> dict[str, object]:
        """What the constructor was given."""
        config: dict[str, object] = {"latent_dim": self.latent_dim, "widths": self.widths}
        config |= {"label_size": self.label_size} if self.label_size else {}
        return config | ({"position_bias": True} if self.position_bias else {})


def as_generator(
    network: PGGAN, layout: str, modules: Sequence[str] = (), notes: tuple[str, ...] = ()
) -> Generator:
    """A PGGAN as a frozen ``Generator``; ``modules`` are the layers' names in its layout."""
    network.eval().requires_grad_(False)
    names, own = network.layer_names, list(modules) or network.layer_names
    layers = tuple(
        Layer(name, own[k], network.widths[k], px, px)
        for k, name in enumerate(names)
        for px in [4 * 2 ** (k // 2)]
    )
    # What the next layer reads: a unit after the pixel norm (PyTorch GAN Zoo's own outputs).
    readers = [*(f"{name}.norm" for name in names[1:]), "rgb_norm"]
    inner = {f"{module}.norm": reader for module, reader in zip(own, readers, strict=True)}
    px, classes = network.image_px, network.label_size
    return Generator(network, layout, layers, network.latent_dim, px, classes, inner, notes)
