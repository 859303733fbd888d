"""DCGAN (Radford et al., ICLR 2016) as PyTorch's tutorial writes it: the network and its layout.

Layer k: transposed convolution (layer1: the latent to 4 px; then doubling) -> batch norm -> ReLU;
a last doubling to the image, tanh. A layer's output is after its ReLU, so zero is off: ``layer1``
at 4 px to a layer at half the image's. A conditional one is given the class as a one-hot vector
after the latent; keys do not say of how many classes, so ``label_size`` must.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from artifact_units.computing.elementwise import tanh
from artifact_units.layers.edits import Scale
from artifact_units.layers.generator import Generator, Layer
from artifact_units.layers.layouts import Family, Layout, NotExact, Tensors, one_hot

NORM = ("weight", "bias", "running_mean", "running_var")


class DCGAN(nn.Module):
    """latents ``[batch, latent_dim]`` -> images ``[batch, 3, px, px]`` in [-1, 1].

    ``widths``: the units of each layer. ``label_size``: classes, 0 of an unconditional one.
    """

    def __init__(self, latent_dim: int, widths: Sequence[int], label_size: int = 0) -> None:
        super().__init__()
        self.latent_dim, self.widths, self.label_size = latent_dim, list(widths), label_size
        self.layer_names = [f"layer{k}" for k in range(1, len(widths) + 1)]
        entries = latent_dim + label_size
        for k, (name, units) in enumerate(zip(self.layer_names, widths, strict=True)):
            stride, padding = (2, 1) if k else (1, 0)
            grow = nn.ConvTranspose2d(entries, units, 4, stride, padding, bias=False)
            self.add_module(name, nn.Sequential(grow, nn.BatchNorm2d(units), nn.ReLU()))
            entries = units
        self.rgb = nn.ConvTranspose2d(entries, 3, 4, 2, 1, bias=False)

    def forward(self, latents: Tensor, classes: Tensor | None = None) -> Tensor:
        if classes is not None:
            latents = torch.cat([latents, one_hot(classes, self.label_size)], 1)
        x = latents[:, :, None, None]
        for name in self.layer_names:
            x = self.get_submodule(name)(x)
        return tanh(self.rgb(x))

    def config(self) -> dict[str, Any]:
        """What the constructor was given."""
        names = ("latent_dim", "widths", "label_size")
        return {name: getattr(self, name) for name in names}


def as_generator(network: DCGAN, layout: str, modules: Sequence[str] = ()) -> Generator:
    """A DCGAN as a frozen ``Generator``; ``modules`` are the names of its ReLUs in its layout."""
    network.eval().requires_grad_(False)
    names = network.layer_names
    layers = tuple(
        Layer(name, module, units, 4 * 2**k, 4 * 2**k)
        for k, (name, module, units) in enumerate(
            zip(names, modules or names, network.widths, strict=True)
        )
    )
    px, classes = 4 * 2 ** len(names), network.label_size
    return Generator(network, layout, layers, network.latent_dim, px, classes)


def _build(tensors: Tensors, *, label_size: int = 0) -> Generator:
    """``label_size``: how many of the values that enter are a class's."""
    numbers = tensors.numbers(r"main\.(\d+)\.weight")
    shapes = {n: tensors.shape(f"main.{n}.weight") for n in numbers}
    *grow, last = [n for n, shape in shapes.items() if len(shape) == 4] or [0]
    if not grow:
        raise tensors.error("one layer and the image take two convolutions (main.N.weight)")
    widths, state, modules, entries = [], {}, [], shapes[grow[0]][0]
    for k, n in enumerate(grow, start=1):
        weight = tensors.take(f"main.{n}.weight", widths[-1] if widths else entries, None, 4, 4)
        widths.append(weight.shape[1])
        state[f"layer{k}.0.weight"] = weight
        norm = {name: tensors.take(f"main.{n + 1}.{name}", widths[-1]) for name in NORM}
        state |= {f"layer{k}.1.{name}": value for name, value in norm.items()}
        modules.append(f"main.{n + 2}")
    if not 0 <= label_size < entries:
        raise tensors.error(
            f"label_size is {label_size}; of {entries} values that the first layer takes, "
            "one at least is the latent's"
        )
    tensors.rgb(f"main.{last}.weight", axis=1)
    state["rgb.weight"] = tensors.take(f"main.{last}.weight", widths[-1], 3, 4, 4)
    tensors.ignore(r"main\.\d+\.num_batches_tracked")
    network = DCGAN(entries - label_size, widths, label_size)
    network.load_state_dict(network.state_dict() | state)
    generator = as_generator(network, tensors.layout, modules)
    inner = {f"main.{last}": "rgb"}
    return replace(generator, inner=inner, options={"label_size": label_size})


def fold(
    state: dict[str, Tensor], generator: Generator, edits: Mapping[str, Scale]
) -> dict[str, Tensor]:
    """Multiply the batch norm's weight and bias of each unit, which its ReLU passes on.

    Exact for factors >= 0. The batch norm comes before the ReLU: ``main.4`` before ``main.5``.
    """
    out = dict(state)
    for name, edit in edits.items():
        if any(factor < 0 for factor in edit.factors):
            raise NotExact(f"{name}: a negative factor does not pass the ReLU")
        module = generator.layer(name).module
        stem = f"{name}.1" if module == name else f"main.{int(module.rpartition('.')[2]) - 1}"
        for key in (f"{stem}.weight", f"{stem}.bias"):
            out[key] = out[key].clone()
            for unit, factor in zip(edit.units, edit.factors, strict=True):
                out[key][unit] *= factor
    return out


_KEYS = r"main\.\d+\.(weight|bias|running_(mean|var)|num_batches_tracked)"
LAYOUTS = (Layout("dcgan", _KEYS, _build, fold),)
_SMALL = {"latent_dim": 6, "widths": [5, 4, 4]}
FAMILY = Family("dcgan", DCGAN, as_generator, (_SMALL, _SMALL | {"label_size": 2}), fold)
