"""What every generator is, whatever its family: layers with names, a latent, an image."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import nn

from artifact_units.errors import UserError
from artifact_units.shapes import Latents, RawImages


@dataclass(frozen=True)
class Layer:
    """One editable layer: ``layer1`` ... as the paper numbers them.

    ``module`` is the name of the same thing in its own layout. ``signed`` says that zero is not
    "off" for its units (BigGAN: before the next normalisation).
    """

    name: str
    module: str
    units: int
    height: int
    width: int
    signed: bool = False


@dataclass(frozen=True)
class Generator:
    """A frozen pretrained generator; ``generator(latents)`` is the raw image, float, signed.

    The network's submodules are named after the layers. ``inner`` maps further names of the
    checkpoint's own layout (a convolution inside a block, a to-RGB) to submodules of the network;
    they can be recorded and edited like layers. ``notes`` says what the user should know;
    ``options`` is what ``load_generator`` must be told of a file of this layout. ``precision`` is
    that of its convolutions and linear layers, ``channels_last`` how its weights lie in memory
    (``compute.placed`` sets both); the image is float32 whatever they are.
    """

    network: nn.Module
    layout: str
    layers: tuple[Layer, ...]
    latent_dim: int
    image_px: int
    classes: int = 0
    inner: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    precision: torch.dtype = torch.float32
    channels_last: bool = False

    def __call__(
        self,
        latents: Latents | Float[torch.Tensor, "batch latent 1 1"],
        classes: torch.Tensor | None = None,
        truncation: float | None = None,
    ) -> RawImages:
        latents = latents.flatten(1)
        if latents.shape[1] != self.latent_dim:
            raise UserError(
                f"latents of {latents.shape[1]} values; this generator takes {self.latent_dim}"
            )
        given: dict[str, torch.Tensor | float] = {}
        if self.classes:
            given["classes"] = self._checked(classes, latents)
        elif classes is not None:
            raise UserError("classes were given; this generator has none")
        if truncation is not None:
            if "truncation" not in inspect.signature(self.network.forward).parameters:
                raise UserError(
                    f"{self.layout} has no truncation; draw the latents as you want them"
                )
            given["truncation"] = truncation
        lower = self.precision != torch.float32
        with torch.autocast(latents.device.type, self.precision, enabled=lower):
            image = self.network(latents, **given)
        wanted = (len(latents), 3, self.image_px, self.image_px)
        if not isinstance(image, torch.Tensor) or image.shape != wanted:
            gave = list(image.shape) if isinstance(image, torch.Tensor) else type(image).__name__
            raise UserError(f"{self.layout} gives {gave}; images are {list(wanted)}")
        return image.float()

    def _checked(self, classes: torch.Tensor | None, latents: Latents) -> torch.Tensor:
        if classes is None and self.classes == 1:
            return latents.new_zeros(len(latents), dtype=torch.int64)
        if classes is None:
            raise UserError(f"this generator has {self.classes} classes; say which, one a latent")
        if classes.is_floating_point() and classes.shape == (len(latents), self.classes):
            classes = classes.argmax(1)  # one-hot rows, as some peers take them
        if classes.numel() and not 0 <= int(classes.min()) <= int(classes.max()) < self.classes:
            raise UserError(
                f"classes {classes.tolist()}; this generator has 0 … {self.classes - 1}"
            )
        return classes

    def layer(self, name: str) -> Layer:
        """The layer of that name (or own module name), or one line that says which there are."""
        for known in ({x.name: x for x in self.layers}, {x.module: x for x in self.layers}):
            if name in known:
                return known[name]
        first, last = self.layers[0].name, self.layers[-1].name
        there = first if first == last else f"{first} … {last}"
        raise UserError(f"layer {name!r} is not in this generator; it has {there}")

    def module(self, name: str) -> nn.Module:
        """The torch module whose output is the layer, or whose own name is in ``inner``."""
        return self.network.get_submodule(self.inner.get(name) or self.layer(name).name)

    def to(self, device: torch.device) -> Generator:
        """The same generator on another device (the network itself is moved)."""
        self.network.to(device)
        return self
