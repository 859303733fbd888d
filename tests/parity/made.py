"""State dicts in the layouts of the public implementations, of any size, with random weights."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

State = dict[str, Tensor]
STREAM = torch.Generator().manual_seed(0)
TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0])
FILTER = torch.outer(TAPS, TAPS) / 64


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=STREAM)


def scaled(*shape: int) -> Tensor:
    return normal(*shape) / math.sqrt(math.prod(shape[1:]))


def affine(stem: str, *shape: int) -> State:
    return {f"{stem}.weight": scaled(*shape), f"{stem}.bias": scaled(shape[0], 9)[:, 0]}


def gandissect(latent: int, widths: Sequence[int], old: bool = False) -> State:
    px, entries, state = 4 * 2 ** (len(widths) // 2 - 1), latent, {}
    stems = [f"features.{k}" if old else f"layer{k + 1}" for k in range(len(widths))]
    for k, (stem, units) in enumerate(
        zip([*stems, "output" if old else f"output_{px}x{px}"], [*widths, 3], strict=True)
    ):
        kernel = 4 if k == 0 else 1 if k == len(widths) else 3
        state[f"{stem}.conv.weight"] = normal(units, entries, kernel, kernel)
        state[f"{stem}.wscale.b"] = normal(units) / 9
        state[f"{stem}.wscale.scale"] = torch.ones(1)
        entries = units
    return state


def genforce(latent: int, widths: Sequence[int], labels: int = 0, fused: bool = False) -> State:
    entries, state = latent + labels, {"lod": torch.tensor(0.0)}
    for k, units in enumerate(widths):
        kernel = 4 if k == 0 else 3
        axes = (entries, units) if fused and k > 0 and k % 2 == 0 else (units, entries)
        state[f"layer{k}.weight"] = normal(*axes, kernel, kernel)
        state[f"layer{k}.bias"] = normal(units) / 9
        state |= affine(f"output{k // 2}", 3, units, 1, 1) if k % 2 else {}
        entries = units
    return state


def gan_zoo(latent: int, widths: Sequence[int], module: str = ".module") -> State:
    state = affine(f"formatLayer{module}", 16 * widths[0], latent)
    pairs = range(len(widths) // 2 - 1)
    stems = ["groupScale0.0", *(f"scaleLayers.{i}.{j}" for i in pairs for j in (0, 1))]
    for stem, entries, units in zip(stems, widths, widths[1:], strict=False):
        state |= affine(f"{stem}{module}", units, entries, 3, 3)
    for i, units in enumerate(widths[1::2]):
        state |= affine(f"toRGBLayers.{i}{module}", 3, units, 1, 1)
    return state


def nvidia(
    latent: int, size: int, widths: Sequence[int], classes: int = 0, dense: int = 2
) -> State:
    state = affine("mapping.embed", size, classes) if classes else {}
    state["mapping.w_avg"] = normal(size)
    entries = latent + (size if classes else 0)
    for n in range(dense):
        state |= affine(f"mapping.fc{n}", size, size if n else entries)
    state["synthesis.b4.const"] = normal(widths[0], 4, 4)
    for k, (entries, units) in enumerate(itertools.pairwise(widths)):
        px = 4 * 2 ** ((k + 1) // 2)
        stem = f"synthesis.b{px}.conv{(k + 1) % 2}"
        state |= affine(stem, units, entries, 3, 3) | affine(f"{stem}.affine", entries, size)
        state[f"{stem}.noise_strength"] = normal(1)[0]
        state[f"{stem}.noise_const"] = normal(px, px)
        state[f"{stem}.resample_filter"] = FILTER
        if k % 2 == 0:
            stem = f"synthesis.b{px}.torgb"
            state |= affine(stem, 3, units, 1, 1) | affine(f"{stem}.affine", units, size)
    return state


def biggan(
    latent: int,
    widths: Sequence[int],
    classes: int = 0,
    size: int = 0,
    chunk: int = 0,
    attention: Sequence[int] = (),
    bottom: int = 4,
    spectral: bool = True,
    stored: str = "stored",
) -> State:
    """ajbrock's: without classes U-Net GAN's, with ``size`` a shared embedding of the class."""
    state = affine("linear", widths[0] * bottom**2, chunk or latent)
    state |= {"shared.weight": normal(classes, size)} if size else {}
    for k, (entries, units) in enumerate(itertools.pairwise(widths)):
        block = f"blocks.{k}.0"
        state |= affine(f"{block}.conv1", units, entries, 3, 3)
        state |= affine(f"{block}.conv2", units, units, 3, 3)
        state |= affine(f"{block}.conv_sc", units, entries, 1, 1)
        for norm, width in ((f"{block}.bn1", entries), (f"{block}.bn2", units)):
            state |= _statistics(norm, width, stored)
            for stem in (f"{norm}.gain", f"{norm}.bias"):
                if size:
                    state[f"{stem}.weight"] = scaled(width, size + chunk)
                elif classes:
                    state[f"{stem}.weight"] = normal(classes, width) / 9
                else:
                    state |= affine(f"{stem}.0", latent, latent)
                    state[f"{stem}.2.weight"] = scaled(width, latent)
        if k in attention:
            shapes = {"theta": (units // 8, units), "phi": (units // 8, units)}
            shapes |= {"g": (units // 2, units), "o": (units, units // 2)}
            for name, shape in shapes.items():
                state[f"blocks.{k}.1.{name}.weight"] = scaled(*shape, 1, 1)
            state[f"blocks.{k}.1.gamma"] = torch.tensor(0.7)
    state |= _statistics("output_layer.0", widths[-1], stored)
    state |= {f"output_layer.0.{p}": normal(widths[-1]) for p in ("gain", "bias")}
    state |= affine("output_layer.2", 3, widths[-1], 3, 3)
    plain = r".bn" if not size else "nothing"  # norms that read no shared embedding have none
    for key in [key for key in state if key.endswith(".weight") and spectral]:
        if plain not in key and key != "shared.weight":
            stem = key.removesuffix(".weight")
            state |= {f"{stem}.u0": normal(1, len(state[key])), f"{stem}.sv0": torch.ones(1)}
    return state


def _statistics(stem: str, units: int, stored: str) -> State:
    return {
        f"{stem}.{stored}_mean": normal(units) / 9,
        f"{stem}.{stored}_var": normal(units).exp(),
    }
