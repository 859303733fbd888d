"""The checkpoints of BigGAN and U-Net GAN: a key map onto ``biggan.BigGAN``, and folding.

ajbrock's BigGAN-PyTorch (shared embedding, hierarchical latent, embedding a class, attention) and
boschresearch's unconditional U-Net GAN. Spectral norm, which the peers recompute in every forward
pass from the stored ``u0``, is computed once; files without ``u0`` are of ``G_param='none'``.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional as F

from artifact_units.generators.biggan import (
    EPSILON,
    BigGAN,
    as_generator,
    attention_shapes,
    scale_statistics,
)
from artifact_units.layers.edits import Scale
from artifact_units.layers.generator import Generator
from artifact_units.layers.layouts import Family, Layout, Tensors

STATISTICS = ("stored_{}", "bn.stored_{}", "bn.running_{}")  # ajbrock's three batch norms


def spectral(weight: Tensor, u0: Tensor) -> Tensor:
    """Divide by the largest singular value, as one power step from ``u0`` estimates it."""
    rows = weight.flatten(1)
    v = F.normalize(u0 @ rows, eps=1e-12)
    u = F.normalize(v @ rows.t(), eps=1e-12)
    return weight / (v @ rows.t() @ u.t()).squeeze()


def _weight(tensors: Tensors, key: str, *shape: int | None) -> Tensor:
    """A weight that spectral norm may apply to; in a file that has it, ``u0`` must be there."""
    weight = tensors.take(f"{key}.weight", *shape)
    if any(name.endswith(".u0") for name in tensors.state):
        weight = spectral(weight, tensors.take(f"{key}.u0", 1, len(weight)))
        tensors.ignore(re.escape(f"{key}.sv0"))
    return weight


def _affine(tensors: Tensors, key: str, own: str, *shape: int | None) -> dict[str, Tensor]:
    weight = _weight(tensors, key, *shape)
    return {f"{own}.weight": weight, f"{own}.bias": tensors.take(f"{key}.bias", len(weight))}


def _statistics(tensors: Tensors, key: str, units: int) -> dict[str, Tensor]:
    form = next((s for s in STATISTICS if f"{key}.{s.format('mean')}" in tensors), STATISTICS[0])
    tensors.ignore(re.escape(key) + r"\.bn\.(accumulation_counter|num_batches_tracked)")
    return {s: tensors.take(f"{key}.{form.format(s)}", units) for s in ("mean", "var")}


def _norm(tensors: Tensors, key: str, units: int, variant: str, size: int) -> dict[str, Tensor]:
    out = _statistics(tensors, key, units)
    for part in ("gain", "bias"):
        if variant == "latent":
            out |= {
                f"{part}.0.weight": tensors.take(f"{key}.{part}.0.weight", size, size),
                f"{part}.0.bias": tensors.take(f"{key}.{part}.0.bias", size),
                f"{part}.2.weight": tensors.take(f"{key}.{part}.2.weight", units, size),
            }
        elif variant == "embedding":
            out[f"{part}.weight"] = tensors.take(f"{key}.{part}.weight", size, units)
        else:
            out[f"{part}.weight"] = _weight(tensors, f"{key}.{part}", units, size)
    return out


def _block(
    tensors: Tensors, k: int, entries: int, units: int, variant: str, size: int
) -> dict[str, Tensor]:
    key, own = f"blocks.{k}.0", f"layer{k + 1}.block"
    out = _affine(tensors, f"{key}.conv1", f"{own}.conv1", units, entries, 3, 3)
    out |= _affine(tensors, f"{key}.conv2", f"{own}.conv2", units, units, 3, 3)
    out |= _affine(tensors, f"{key}.conv_sc", f"{own}.conv_sc", units, entries, 1, 1)
    for norm, width in (("bn1", entries), ("bn2", units)):
        found = _norm(tensors, f"{key}.{norm}", width, variant, size)
        out |= {f"{own}.{norm}.{name}": tensor for name, tensor in found.items()}
    return out


def _attention(tensors: Tensors, k: int, units: int) -> dict[str, Tensor]:
    key, own = f"blocks.{k}.1", f"layer{k + 1}.attention"
    out = {f"{own}.gamma": tensors.take(f"{key}.gamma")}
    for name, shape in attention_shapes(units).items():
        out[f"{own}.{name}.weight"] = _weight(tensors, f"{key}.{name}", *shape, 1, 1)
    return out


def _variant(tensors: Tensors) -> tuple[str, dict[str, int], int]:
    """Variant, constructor arguments, and the values that a conditional norm is given."""
    key = "blocks.0.0.bn1.gain"
    if f"{key}.0.weight" in tensors:
        return "latent", {}, tensors.shape(f"{key}.0.weight", 2)[0]
    rows, cols = tensors.shape(f"{key}.weight", 2)
    if "shared.weight" in tensors:
        classes, size = tensors.shape("shared.weight", 2)
        return "shared", {"classes": classes, "size": size, "chunk": cols - size}, cols
    return "embedding", {"classes": rows}, rows


def _build(tensors: Tensors) -> Generator:
    if any(".conv4." in key for key in tensors.state):
        raise tensors.error("BigGAN-deep is read in Hugging Face's layout alone")
    blocks = tensors.count(r"blocks\.(\d+)\.")
    variant, given, size = _variant(tensors)
    shapes = [tensors.shape(f"blocks.{k}.0.conv1.weight", 4) for k in range(blocks)]
    widths = [shapes[0][1], *(shape[0] for shape in shapes)]
    state = _affine(tensors, "linear", "linear", None, None)
    rows, entries = state["linear.weight"].shape
    latent_dim = entries * (blocks + 1) if given.get("chunk") else entries
    bottom = round((rows / widths[0]) ** 0.5)
    if rows != widths[0] * bottom**2:
        raise tensors.error(f"linear.weight has {rows} rows, no square grid of {widths[0]} units")
    for k in range(blocks):
        state |= _block(tensors, k, widths[k], widths[k + 1], variant, size)
    attended = [k + 1 for k in range(blocks) if f"blocks.{k}.1.gamma" in tensors]
    for k in attended:
        state |= _attention(tensors, k - 1, widths[k])
    if variant == "shared":
        state["shared.weight"] = tensors.take("shared.weight", given["classes"], given["size"])
    tensors.rgb("output_layer.2.weight")
    state |= _affine(tensors, "output_layer.2", "rgb", 3, widths[-1], 3, 3)
    state |= _output_norm(tensors, widths[-1])
    network = BigGAN(latent_dim, widths, variant, attention=attended, bottom=bottom, **given)
    network.load_state_dict(state)
    return as_generator(network, tensors.layout, notes=_said(tensors))


def _output_norm(tensors: Tensors, units: int) -> dict[str, Tensor]:
    found = _statistics(tensors, "output_layer.0", units)
    return {
        "bn.weight": tensors.take("output_layer.0.gain", units),
        "bn.bias": tensors.take("output_layer.0.bias", units),
        "bn.running_mean": found["mean"],
        "bn.running_var": found["var"],
    }


def _said(tensors: Tensors) -> tuple[str, ...]:
    # These files are bare state dicts: only the name that the peer gives them tells.
    if not re.match(r"G_(?!ema)", tensors.path.name):
        return ()
    note = f"{tensors.path}: named as raw weights; the moving average is in G_ema…"
    warnings.warn(note, stacklevel=4)
    return (note,)


def fold(
    state: dict[str, Tensor], generator: Generator, edits: Mapping[str, Scale]
) -> dict[str, Tensor]:
    """Bake spectral norm, then scale what makes each unit: the rows of conv2 and conv_sc.

    After attention nothing makes the unit alone: there, what reads it is scaled.
    """
    state = {k: v.clone() for k, v in state.items() if not k.endswith((".u0", ".sv0"))} | {
        f"{k[:-3]}.weight": spectral(state[f"{k[:-3]}.weight"].float(), u0.float())
        for k, u0 in state.items()
        if k.endswith(".u0")
    }
    names = [layer.name for layer in generator.layers]
    for name, edit in edits.items():
        k = names.index(name)
        for unit, factor in zip(edit.units, edit.factors, strict=True):
            if f"blocks.{k}.1.gamma" not in state:
                for part in ("conv2.weight", "conv2.bias", "conv_sc.weight", "conv_sc.bias"):
                    state[f"blocks.{k}.0.{part}"][unit] *= factor
            elif k + 1 < len(names):
                _scale_readers(state, k + 1, unit, factor)
            else:
                mean, var = (statistic(state, "output_layer.0", s)[unit] for s in ("mean", "var"))
                scale_statistics(mean, var, factor, EPSILON)
    return state


def _scale_readers(state: dict[str, Tensor], k: int, unit: int, factor: float) -> None:
    """Block k reads factor * x: by its first norm's statistics and by its shortcut's columns."""
    mean, var = (statistic(state, f"blocks.{k}.0.bn1", s)[unit] for s in ("mean", "var"))
    scale_statistics(mean, var, factor, EPSILON)
    state[f"blocks.{k}.0.conv_sc.weight"][:, unit] *= factor


def statistic(state: dict[str, Tensor], key: str, name: str) -> Tensor:
    """The stored ``name`` (mean, var) of the batch norm at ``key``, whichever form it has."""
    return next(state[k] for s in STATISTICS if (k := f"{key}.{s.format(name)}") in state)


_SPECTRAL = r"(weight|bias|u0|sv0)"
_COMMON = (
    rf"(linear|output_layer\.2|blocks\.\d+\.0\.conv(\d|_sc)|blocks\.\d+\.1\.(theta|phi|g|o))\.{_SPECTRAL}"
    r"|blocks\.\d+\.1\.gamma|output_layer\.0\.(gain|bias)|shared\.weight"
    r"|(blocks\.\d+\.0\.bn\d|output_layer\.0)\.(stored|bn)[._a-z]*"
)
BAKED = "spectral norm is baked into the weights; the peer loads it with G_param='none'"
LAYOUTS = (
    Layout(
        "biggan-ajbrock",
        rf"{_COMMON}|blocks\.\d+\.0\.bn\d\.(gain|bias)\.{_SPECTRAL}",
        _build,
        fold,
        BAKED,
    ),
    Layout(
        "unetgan",
        rf"{_COMMON}|blocks\.\d+\.0\.bn\d\.(gain|bias)\.[02]\.(weight|bias)",
        _build,
        fold,
        BAKED,
    ),
)
_SMALL = {"latent_dim": 6, "widths": [8, 8, 8]}
FAMILY = Family(
    "biggan",
    BigGAN,
    as_generator,
    examples=(
        _SMALL | {"variant": "latent"},
        _SMALL | {"variant": "shared", "classes": 2, "size": 3, "chunk": 2, "attention": [1]},
        _SMALL | {"variant": "embedding", "classes": 1},
    ),
)
