"""A family in one file: a linear layer, two layers of 4 and 8 px, the image.

Keys ``tiny.*`` of its checkpoint are its own layout; a layer is after its ReLU, so that a factor
that is not negative passes it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from artifact_units.layers.edits import Scale
from artifact_units.layers.generator import Generator, Layer
from artifact_units.layers.layouts import Family, Layout, Tensors


class Tiny(nn.Module):
    def __init__(self, latent_dim: int, units: int) -> None:
        super().__init__()
        self.latent_dim, self.units = latent_dim, units
        self.layer1 = nn.Sequential(nn.ConvTranspose2d(latent_dim, units, 4), nn.ReLU())
        self.layer2 = nn.Sequential(nn.ConvTranspose2d(units, units, 2, stride=2), nn.ReLU())
        self.rgb = nn.ConvTranspose2d(units, 3, 2, stride=2)

    def forward(self, latents: Tensor) -> Tensor:
        return self.rgb(self.layer2(self.layer1(latents[:, :, None, None]))).tanh()

    def config(self) -> dict[str, int]:
        return {"latent_dim": self.latent_dim, "units": self.units}


def as_generator(network: Tiny, layout: str) -> Generator:
    network.eval().requires_grad_(False)
    layers = tuple(
        Layer(f"layer{k}", f"tiny.layer{k}", network.units, 4 * k, 4 * k) for k in (1, 2)
    )
    return Generator(network, layout, layers, network.latent_dim, 16)


def build(tensors: Tensors) -> Generator:
    latent_dim, units, *_ = tensors.shape("tiny.layer1.0.weight", 4)
    network = Tiny(latent_dim, units)
    state = {k: tensors.take(f"tiny.{k}", *v.shape) for k, v in network.state_dict().items()}
    network.load_state_dict(state)
    return as_generator(network, tensors.layout)


def fold(
    state: dict[str, Tensor], generator: Generator, edits: Mapping[str, Scale]
) -> dict[str, Tensor]:
    prefix, out = "tiny." if generator.layout == "tiny" else "", dict(state)
    for name, edit in edits.items():
        factors = torch.ones(generator.layer(name).units)
        factors[list(edit.units)] = torch.tensor(edit.factors)
        weight, bias = f"{prefix}{name}.0.weight", f"{prefix}{name}.0.bias"
        out[weight], out[bias] = out[weight] * factors[:, None, None], out[bias] * factors
    return out


LAYOUTS = (Layout("tiny", r"tiny\.(layer\d\.0|rgb)\.(weight|bias)", build, fold),)
FAMILY = Family("tiny", Tiny, as_generator, ({"latent_dim": 6, "units": 4},), fold)
