"""The checkpoints of BigGAN-deep: Hugging Face's keys onto ``biggan_deep.BigGANDeep``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from artifact_units.files.json_text import parsed
from artifact_units.generators.biggan import attention_shapes, scale_statistics
from artifact_units.generators.biggan_deep import EPSILON, BigGANDeep, as_generator
from artifact_units.layers.edits import Scale
from artifact_units.layers.generator import Generator
from artifact_units.layers.layouts import Family, Layout, NotExact, Tensors


def _build(tensors: Tensors, *, config: str | None = None) -> Generator:
    """``config``: the peer's config.json, where it does not lie beside the file."""
    key = "generator.layers"
    count = tensors.count(rf"{key}\.(\d+)\.")
    numbers = [i for i in range(count) if f"{key}.{i}.gamma" not in tensors]
    doubles, notes, options = _doubles(tensors, len(numbers), config)
    size, classes = tensors.shape("embeddings.weight", 2)
    steps, entries = tensors.shape(f"{key}.0.bn_0.running_means", 2)
    condition = tensors.shape("generator.gen_z.weight_orig", 2)[1]
    state = {"embeddings.weight": tensors.take("embeddings.weight", size, classes)}
    state |= _spectral(tensors, "generator.gen_z", "gen_z", 16 * entries, condition)
    blocks, attention = (
        [],
        [k for k, i in enumerate(numbers, 1) if i + 1 < count and i + 1 not in numbers],
    )
    for k, i in enumerate(numbers, start=1):
        middle, units = (tensors.shape(f"{key}.{i}.conv_{c}.weight_orig", 4)[0] for c in (0, 3))
        if units not in (entries, entries // 2):
            raise tensors.error(
                f"{key}.{i} makes {units} units of {entries}; its skip takes all or half"
            )
        state |= _block(tensors, i, f"layer{k}.block", (entries, middle, units), steps, condition)
        if k in attention:
            state |= _attention(tensors, i + 1, f"layer{k}.attention", units)
        blocks.append([int(doubles[k - 1]), entries, middle, units])
        entries = units
    state |= _norm(tensors, "generator.bn", "bn", steps, entries, 0)
    colours = tensors.shape("generator.conv_to_rgb.weight_orig", 4)[0]
    state |= _spectral(tensors, "generator.conv_to_rgb", "rgb", colours, entries, 3, 3)
    network = BigGANDeep(condition - size, classes, size, steps, blocks, attention, colours)
    network.load_state_dict(state)
    generator = as_generator(network, tensors.layout, numbers, notes)
    return replace(generator, options=options)


def _doubles(
    tensors: Tensors, blocks: int, config: str | None
) -> tuple[list[bool], tuple[str, ...], dict[str, str]]:
    """Which blocks double the grid: no tensor tells, the peer's config.json does."""
    name = tensors.path.name.replace("pytorch_model.bin", "config.json")
    beside = [tensors.path.with_name(each) for each in (name, "config.json")]
    for path in [Path(config)] if config else beside:
        if path != tensors.path and path.is_file():
            return _configured(tensors, blocks, path), (), {"config": str(path)}
    if config:
        raise tensors.error(f"{config}: no such config.json")
    note = f"{tensors.path}: no config.json beside it; taken to double at every second block"
    return [k % 2 == 1 for k in range(blocks)], (note,), {}


def _configured(tensors: Tensors, blocks: int, path: Path) -> list[bool]:
    try:
        config = parsed(path.read_text(encoding="utf-8"))
        doubles = [bool(layer[0]) for layer in config["layers"]]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise tensors.error(f"{path}: not the peer's configuration ({error})") from None
    if len(doubles) != blocks or config.get("eps", EPSILON) != EPSILON:
        raise tensors.error(f"{path} is of another network ({len(doubles)} blocks)")
    return doubles


def _spectral(
    tensors: Tensors, key: str, own: str, *shape: int, bias: bool = True
) -> dict[str, Tensor]:
    """A weight over u . (W v), as torch's spectral norm has it in eval mode."""
    weight = tensors.take(f"{key}.weight_orig", *shape)
    rows = weight.flatten(1)
    u = tensors.take(f"{key}.weight_u", rows.shape[0])
    v = tensors.take(f"{key}.weight_v", rows.shape[1])
    out = {f"{own}.weight": weight / torch.dot(u, rows @ v)}
    return out | ({f"{own}.bias": tensors.take(f"{key}.bias", shape[0])} if bias else {})


def _norm(
    tensors: Tensors, key: str, own: str, steps: int, units: int, condition: int
) -> dict[str, Tensor]:
    out = {
        f"{own}.means": tensors.take(f"{key}.running_means", steps, units),
        f"{own}.variances": tensors.take(f"{key}.running_vars", steps, units),
    }
    for part in ("scale", "offset") if condition else ():
        out |= _spectral(tensors, f"{key}.{part}", f"{own}.{part}", units, condition, bias=False)
    for part in () if condition else ("weight", "bias"):
        out[f"{own}.{part}"] = tensors.take(f"{key}.{part}", units)
    return out


def _block(
    tensors: Tensors, i: int, own: str, widths: tuple[int, int, int], steps: int, condition: int
) -> dict[str, Tensor]:
    entries, middle, units = widths
    out: dict[str, Tensor] = {}
    shapes = (
        (middle, entries, 1, 1),
        (middle, middle, 3, 3),
        (middle, middle, 3, 3),
        (units, middle, 1, 1),
    )
    for c, shape in enumerate(shapes):
        key = f"generator.layers.{i}"
        out |= _norm(tensors, f"{key}.bn_{c}", f"{own}.bn_{c}", steps, shape[1], condition)
        out |= _spectral(tensors, f"{key}.conv_{c}", f"{own}.conv_{c}", *shape)
    return out


def _attention(tensors: Tensors, i: int, own: str, units: int) -> dict[str, Tensor]:
    out = {f"{own}.gamma": tensors.take(f"generator.layers.{i}.gamma", 1).squeeze()}
    for name, shape in attention_shapes(units).items():
        key = f"generator.layers.{i}.snconv1x1_{name}" + ("_conv" if name == "o" else "")
        out |= _spectral(tensors, key, f"{own}.{name}", *shape, 1, 1, bias=False)
    return out


def fold(
    state: dict[str, Tensor], generator: Generator, edits: Mapping[str, Scale]
) -> dict[str, Tensor]:
    """Only the last layer: the output's batch norm alone reads it, and can hold its factor."""
    last, out = generator.layers[-1].name, {k: v.clone() for k, v in state.items()}
    for name, edit in edits.items():
        if name != last:
            raise NotExact(f"{name}: the identity skip carries its units on to the next block")
        for unit, factor in zip(edit.units, edit.factors, strict=True):
            means, variances = (
                out[f"generator.bn.running_{s}"][:, unit] for s in ("means", "vars")
            )
            scale_statistics(means, variances, factor, EPSILON)
    return out


_NORMED = r"(weight_(orig|u|v)|bias)"
LAYOUTS = (
    Layout(
        "biggan-deep-huggingface",
        rf"embeddings\.weight|generator\.(gen_z|conv_to_rgb)\.{_NORMED}"
        rf"|generator\.layers\.\d+\.(conv_\d|snconv1x1_(theta|phi|g|o_conv)|bn_\d\.(scale|offset))\.{_NORMED}"
        r"|generator\.(layers\.\d+\.bn_\d|bn)\.(running_(means|vars)|weight|bias)|generator\.layers\.\d+\.gamma",
        _build,
        fold,
        "the peer's config.json must lie beside it",
    ),
)
FAMILY = Family(
    "biggan_deep",
    BigGANDeep,
    as_generator,
    examples=(
        {
            "latent_dim": 6,
            "classes": 2,
            "size": 3,
            "steps": 51,
            "blocks": [[0, 16, 4, 16], [1, 16, 4, 8]],
            "attention": [2],
            "colours": 8,
        },
    ),
)
