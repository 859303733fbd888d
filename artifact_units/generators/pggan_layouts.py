"""The checkpoints of PGGAN: thin key maps onto ``pggan.PGGAN``.

GAN Dissection (its newer and older key names), GenForce, PyTorch GAN Zoo. Weights are stored
unscaled; the equalised learning-rate scale is multiplied in once, here. All sizes come from shapes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from artifact_units.generators.pggan import PGGAN, as_generator
from artifact_units.layers.edits import Scale
from artifact_units.layers.generator import Generator
from artifact_units.layers.layouts import Family, Layout, NotExact, Tensors


@dataclass(frozen=True)
class Keys:
    """Where a layout keeps layers 1 … n and the to-RGB layers, the last of which is used."""

    layers: Sequence[str]
    rgbs: Sequence[str]
    weight: str = "weight"
    bias: str = "bias"


def _keys(layout: str, state: Mapping[str, object]) -> Keys:
    """The keys of a layout for as many layers as ``state`` has."""

    def count(pattern: str) -> int:
        found = (re.match(pattern, key) for key in state)
        return max((int(match[1]) + 1 for match in found if match), default=0)

    if layout == "pggan-gandissect":
        n = count(r"layer(\d+)\.") - 1
        px = 4 * 2 ** (n // 2 - 1) if n > 1 else 0
        names = [f"layer{k}" for k in range(1, n + 1)]
        return Keys(names, [f"output_{px}x{px}"], "conv.weight", "wscale.b")
    if layout == "pggan-gandissect-old":
        names = [f"features.{k}" for k in range(count(r"features\.(\d+)\."))]
        return Keys(names, ["output"], "conv.weight", "wscale.b")
    if layout.startswith("pggan-genforce"):
        names = [f"layer{k}" for k in range(count(r"layer(\d+)\."))]
        return Keys(names, [f"output{i}" for i in range(len(names) // 2)])
    if layout == "pggan-gan-zoo":
        scales = count(r"scaleLayers\.(\d+)\.")
        module = ".module" if any(".module." in key for key in state) else ""
        names = ["formatLayer", "groupScale0.0"]
        names += [f"scaleLayers.{i}.{j}" for i in range(scales) for j in (0, 1)]
        rgbs = [f"toRGBLayers.{i}{module}" for i in range(scales + 1)]
        return Keys([name + module for name in names], rgbs)
    names = [f"layer{k}" for k in range(1, count(r"layer(\d+)\."))]  # our own
    return Keys(names, ["rgb"])


def _build(tensors: Tensors, label_size: int = 0, fused: bool = False) -> Generator:
    keys = _keys(tensors.layout, tensors.state)
    n = len(keys.layers)
    if n % 2 or not n:
        raise tensors.error(f"{n} layers make an incomplete resolution; they come in pairs")
    zoo = tensors.layout == "pggan-gan-zoo"
    widths, state = [], {}
    for k, stem in enumerate(keys.layers, start=1):
        weight, bias = f"{stem}.{keys.weight}", f"{stem}.{keys.bias}"
        entries = widths[-1] if widths else None
        if zoo and k == 1:
            w, b = _format_layer(tensors, weight, bias, f"{keys.layers[1]}.{keys.weight}")
        else:
            b = tensors.take(bias, None)
            w = _convolution(
                tensors, weight, len(b), entries, 4 if k == 1 else 3, fused and k > 1 and k % 2 == 1
            )
            scale = math.sqrt(2 / w[0].numel())
            w, b = w * scale, b * scale if zoo else b
        state |= {f"layer{k}.weight": w, f"layer{k}.bias": b}
        widths.append(len(w))
    state |= _to_rgb(tensors, keys, widths, zoo)
    entries = state["layer1.weight"].shape[1]
    if not 0 <= label_size < entries:
        raise tensors.error(
            f"label_size is {label_size}; of {entries} values that the first layer takes, "
            "one at least is the latent's"
        )
    network = PGGAN(entries - label_size, widths, label_size, position_bias=zoo)
    network.load_state_dict(network.state_dict() | state)
    modules = [stem.removesuffix(".module") for stem in keys.layers]
    return as_generator(network, tensors.layout, modules)


def _convolution(
    tensors: Tensors, key: str, units: int, entries: int | None, kernel: int, fused: bool
) -> Tensor:
    if fused:
        # conv_transpose of the 2x2-box-summed kernel = nearest x2, then the flipped convolution.
        return tensors.take(key, entries, units, kernel, kernel).transpose(0, 1).flip(2, 3)
    if tensors.shape(key)[:2] == (entries, units) and entries != units:
        raise tensors.error(
            f"{key} is (in, out, 3, 3): it was trained with fused_scale=True; say so"
        )
    return tensors.take(key, units, entries, kernel, kernel)


def _format_layer(tensors: Tensors, weight: str, bias: str, reader: str) -> tuple[Tensor, Tensor]:
    """GAN Zoo's linear layer, a bias for each unit and position, as the 4x4 convolution."""
    units = tensors.shape(reader, 4)[1]
    w = tensors.take(weight, 16 * units, None)
    scale = math.sqrt(2 / w.shape[1])
    b = tensors.take(bias, 16 * units).view(units, 4, 4)
    return w.view(units, 4, 4, -1).permute(0, 3, 1, 2).flip(2, 3) * scale, b * scale


def _to_rgb(tensors: Tensors, keys: Keys, widths: Sequence[int], zoo: bool) -> dict[str, Tensor]:
    # Training keeps one for each resolution; they are checked, and the last is used.
    pairs = []
    for stem, entries in zip(keys.rgbs, widths[1::2][-len(keys.rgbs) :], strict=True):
        tensors.rgb(f"{stem}.{keys.weight}")
        weight = tensors.take(f"{stem}.{keys.weight}", 3, entries, 1, 1)
        pairs.append((weight, tensors.take(f"{stem}.{keys.bias}", 3)))
    weight, bias = pairs[-1]
    scale = math.sqrt((2 if zoo else 1) / widths[-1])
    return {"rgb.weight": weight * scale, "rgb.bias": bias * scale if zoo else bias}


def _gandissect(tensors: Tensors) -> Generator:
    tensors.ignore(r".*\.wscale\.scale")
    return _build(tensors)


def _genforce(
    tensors: Tensors, *, fused_scale: bool | None = None, label_size: int = 0
) -> Generator:
    if tensors.take("lod").item() != 0:
        raise tensors.error(
            f"lod is {tensors.take('lod').item():g}: saved while a resolution was fading in"
        )
    options = {"fused_scale": bool(fused_scale), "label_size": label_size}
    generator = replace(_build(tensors, label_size, bool(fused_scale)), options=options)
    doubling = [tensors.shape(f"layer{k}.weight", 4) for k in range(2, len(generator.layers), 2)]
    if fused_scale is not None or any(shape[0] != shape[1] for shape in doubling):
        return generator
    note = f"{tensors.path}: no shape says whether fused_scale was used; taken: it was not"
    return replace(generator, notes=(note,))


def _gan_zoo(tensors: Tensors) -> Generator:
    wanted = {
        "alpha": 0,
        "perChannelNormalization": True,
        "equalizedlR": True,
        "leakyReluLeak": 0.2,
    }
    for name, value in (wanted | {"attribKeysOrder": None}).items():
        found = tensors.beside.get(f"config.{name}", value)
        if found != value:
            raise tensors.error(f"{name} is {found!r}; only {value!r} is read")
    return _build(tensors)


def fold(
    state: dict[str, Tensor], generator: Generator, edits: Mapping[str, Scale]
) -> dict[str, Tensor]:
    """Multiply the rows and biases that make each unit; the next pixel norm then sees the same.

    Exact for factors >= 0, because the leaky ReLU is positively homogeneous.
    """
    keys, state = _keys(generator.layout, state), dict(state)
    for name, edit in edits.items():
        if any(factor < 0 for factor in edit.factors):
            raise NotExact(f"{name}: a negative factor does not pass the leaky ReLU")
        k = [layer.name for layer in generator.layers].index(name)
        stem = keys.layers[k]
        transposed = generator.options.get("fused_scale", False) and k > 0 and k % 2 == 0
        for key in (f"{stem}.{keys.weight}", f"{stem}.{keys.bias}"):
            tensor = state[key].clone(memory_format=torch.contiguous_format)
            rows = tensor.transpose(0, 1) if transposed and tensor.ndim > 1 else tensor
            rows = (
                rows.view(generator.layers[k].units, -1, *rows.shape[1:])
                if rows.is_contiguous()
                else rows
            )
            for unit, factor in zip(edit.units, edit.factors, strict=True):
                rows[unit] *= factor
            state[key] = tensor
    return state


_LAYER = r"(conv\.weight|wscale\.(b|scale))"
LAYOUTS = (
    Layout("pggan-gandissect", rf"(layer\d+|output_\d+x\d+)\.{_LAYER}", _gandissect, fold),
    Layout("pggan-gandissect-old", rf"(features\.\d+|output)\.{_LAYER}", _gandissect, fold),
    Layout("pggan-genforce", r"lod|(layer|output)\d+\.(weight|bias)", _genforce, fold),
    Layout(
        "pggan-gan-zoo",
        r"(formatLayer|groupScale0\.0|scaleLayers\.\d+\.\d+|toRGBLayers\.\d+)(\.module)?\.(weight|bias)",
        _gan_zoo,
        fold,
    ),
)
_SMALL = {"latent_dim": 6, "widths": [5, 4, 4, 3]}
FAMILY = Family(
    "pggan",
    PGGAN,
    as_generator,
    examples=(_SMALL, _SMALL | {"label_size": 2, "position_bias": True}),
    fold=fold,
)
