"""What every generator is, whatever its family: layers with names, a latent, an image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from artifact_units.errors import UserError
from artifact_units.shapes import Latents, RawImages


@dataclass(frozen=True)
class Layer:
    """One editable layer: ``layer1`` ... as the paper numbers them, and what it is in its module.

    ``signed`` says that zero is not "off" for its units (BigGAN: before the next normalisation).
    """

    name: str
    module: str
    units: int
    height: int
    width: int
    signed: bool = False


@dataclass(frozen=True)
class Generator:
    """A frozen pretrained generator; ``generator(latents)`` is the raw image, float, signed."""

    network: nn.Module
    layout: str
    layers: tuple[Layer, ...]
    latent_dim: int
    image_px: int
    classes: int = 0

    def __call__(
        self, latents: Latents, classes: torch.Tensor | None = None, truncation: float | None = None
    ) -> RawImages:
        given = {"classes": classes, "truncation": truncation}
        return self.network(latents, **{k: v for k, v in given.items() if v is not None})

    def layer(self, name: str) -> Layer:
        """The layer of that name, or one line that says which there are."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        last = self.layers[-1].name
        raise UserError(f"layer {name!r} is not in this generator; it has layer1 … {last}")

    def module(self, name: str) -> nn.Module:
        """The torch module whose output is the layer."""
        return self.network.get_submodule(self.layer(name).module)

    def to(self, device: torch.device) -> Generator:
        """The same generator on another device (the network itself is moved)."""
        self.network.to(device)
        return self
