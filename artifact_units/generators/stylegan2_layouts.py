"""The checkpoints of StyleGAN2: key maps onto ``stylegan2.StyleGAN2``.

NVIDIA's StyleGAN2-ADA (pickle or state dict), rosinality's, GenForce's. They hold one network;
GenForce keeps doubling kernels flipped and style biases less 1. Noise is the file's fixed noise.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from artifact_units.generators.stylegan2 import TAPS, StyleGAN2, as_generator
from artifact_units.generators.stylegan2_folding import fold, fold_roughly
from artifact_units.generators.stylegan2_keys import FORMS, Form
from artifact_units.layers.generator import Generator
from artifact_units.layers.layouts import Family, Layout, Tensors

LEARNING_RATE = 0.01  # multiplier of the mapping, in every public file
SEED = 0  # of noise and of the mean w, where a file has none
DRAWN = 4096  # latents of the mean w


def _build(tensors: Tensors, clamp: float) -> Generator:
    form = FORMS[tensors.layout]
    count = tensors.count(form.layers)
    if tensors.layout == "stylegan2-nvidia":  # counted by pixels
        count = 2 * int(math.log2(max(count - 1, 1))) - 3
    elif tensors.layout == "stylegan2-rosinality":
        count += 1  # conv1 stands apart
    if count < 1 or count % 2 == 0:
        raise tensors.error(f"{count} layers make an incomplete resolution; there are 1, 3, 5, …")
    _check_filters(tensors)
    mapping, sizes, classes, label = _mapping(tensors, form)
    w_dim = sizes[-1]
    const = tensors.take(form.const, *form.map_lead, None, 4, 4)
    state, widths = {"const": const.view(-1, 4, 4)}, [const.numel() // 16]
    for k in range(count):
        found = _layer(tensors, form, k, widths[-1], w_dim)
        widths.append(len(found["weight"]))
        state |= {f"layer{k + 1}.{name}": tensor for name, tensor in found.items()}
        if k % 2 == 0:
            found = _rgb(tensors, form, k // 2, widths[-1], w_dim)
            state |= {f"rgb{4 * 2 ** (k // 2)}.{name}": tensor for name, tensor in found.items()}
    latent_dim = sizes[0] - mapping.pop("label_size", torch.tensor(0)).item()
    network = StyleGAN2(int(latent_dim), sizes, widths, classes, label, clamp)
    noise, notes = _noise(tensors, form, count)
    network.load_state_dict(state | mapping | noise | {"w_avg": network.w_avg})
    notes += _average(tensors, form, network)
    inner = {"w": "mapping", "ws": "mapping"}
    for i in range((count + 1) // 2):
        inner |= {form.rgb(i): f"rgb{4 * 2**i}"}
        inner |= {form.image(i): f"image{4 * 2**i}"} if form.image(i) else {}
    modules = [form.layer(k) for k in range(count)]
    return as_generator(network, tensors.layout, modules, inner, notes)


def _mapping(tensors: Tensors, form: Form) -> tuple[dict[str, Tensor], list[int], int, str]:
    """The mapping's tensors, the sizes between its layers, classes, and where a class enters."""
    state, classes, label = {}, 0, ""
    rate = float(tensors.beside.get("mapping.fc0.bias_gain", LEARNING_RATE))
    pattern = form.dense(0).replace(".", r"\.")[:-1] + r"(\d+)\.weight"
    numbers = tensors.numbers(pattern)
    sizes: list[int] = []
    for n in range(max(numbers, default=0) + (form.dense(0)[-1] == "0")):
        key = form.dense(n)
        weight = tensors.take(f"{key}.weight", None, sizes[-1] if sizes else None)
        sizes += [weight.shape[1]] if not sizes else []
        sizes.append(len(weight))
        state[f"mapping.layers.{n}.weight"] = weight * (rate / math.sqrt(weight.shape[1]))
        state[f"mapping.layers.{n}.bias"] = tensors.take(f"{key}.bias", len(weight)) * rate
    if "mapping.embed.weight" in tensors:  # NVIDIA
        weight = tensors.take("mapping.embed.weight", None, None)
        classes, label = weight.shape[1], "apart"
        state["mapping.embed.weight"] = weight / math.sqrt(classes)
        state["mapping.embed.bias"] = tensors.take("mapping.embed.bias", len(weight))
    elif "mapping.label_weight" in tensors:  # GenForce
        weight = tensors.take("mapping.label_weight", None, None).t().contiguous()
        classes, label = weight.shape[1], "together"
        state["mapping.embed.weight"] = weight
        state["mapping.embed.bias"] = torch.zeros(len(weight))
    if label:
        state["label_size"] = torch.tensor(len(state["mapping.embed.weight"]))
    return state, sizes, classes, label


def _style(tensors: Tensors, form: Form, stem: str, entries: int, w_dim: int) -> dict[str, Tensor]:
    weight = tensors.take(f"{stem}.{form.style}.weight", entries, w_dim) / math.sqrt(w_dim)
    bias = tensors.take(f"{stem}.{form.style}.bias", entries)
    return {
        "style.weight": weight,
        "style.bias": bias + 1 if form is FORMS["stylegan2-genforce"] else bias,
    }


def _layer(tensors: Tensors, form: Form, k: int, entries: int, w_dim: int) -> dict[str, Tensor]:
    stem = form.layer(k)
    bias = tensors.take(f"{stem}.{form.bias}", None)
    weight = tensors.take(f"{stem}.{form.weight}", *form.lead, len(bias), entries, 3, 3)
    weight = weight.view(len(bias), entries, 3, 3)
    if form is FORMS["stylegan2-genforce"] and k % 2 == 1:
        weight = weight.flip(2, 3)
    weight = weight / math.sqrt(entries * 9) if form.scaled else weight
    return _style(tensors, form, stem, entries, w_dim) | {"weight": weight, "bias": bias}


def _rgb(tensors: Tensors, form: Form, i: int, entries: int, w_dim: int) -> dict[str, Tensor]:
    stem = form.rgb(i)
    key = f"{stem}.{form.weight}"
    if key not in tensors and any(
        ".skip.weight" in k or k.endswith(".torgb.weight") for k in tensors.state
    ):
        raise tensors.error(f"{key} is missing: of its architectures, only 'skip' is read")
    tensors.rgb(key, len(form.lead))
    weight = tensors.take(key, *form.lead, 3, entries, 1, 1).view(3, entries, 1, 1)
    bias = tensors.take(f"{stem}.bias", *form.rgb_bias).view(3)
    return _style(tensors, form, stem, entries, w_dim) | {
        "weight": weight / math.sqrt(entries),
        "bias": bias,
    }


def _noise(tensors: Tensors, form: Form, count: int) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The fixed noise of each layer; drawn from SEED where the file is older than that buffer."""
    stream = torch.Generator().manual_seed(SEED)
    kept = any(form.noise(k) in tensors for k in range(count))
    silent = not kept and not any(
        f"{form.layer(k)}.{form.strength}" in tensors for k in range(count)
    )
    out: dict[str, Tensor] = {}
    for k in range(count):
        px = 4 * 2 ** ((k + 1) // 2)
        shape = (*form.noise_lead, px, px)
        noise = (
            tensors.take(form.noise(k), *shape) if kept else torch.randn(shape, generator=stream)
        )
        key = f"{form.layer(k)}.{form.strength}"
        one = (1,) if not silent and tensors.shape(key) == (1,) else ()  # with an axis or without
        strength = torch.zeros(()) if silent else tensors.take(key, *one).view(())
        out |= {f"layer{k + 1}.noise": noise.view(px, px), f"layer{k + 1}.noise_strength": strength}
    note = f"{tensors.path}: holds no noise; fixed noise was drawn from seed {SEED}"
    return out, () if kept or silent else (note,)


@torch.no_grad()
def _average(tensors: Tensors, form: Form, network: StyleGAN2) -> tuple[str, ...]:
    """Fill in the mean w, of the file or of DRAWN latents; only truncation uses it."""
    given = tensors.beside.get(form.average)
    if form.average in tensors:
        network.w_avg.copy_(tensors.take(form.average, len(network.w_avg)))
    elif isinstance(given, Tensor) and given.numel() == len(network.w_avg):
        network.w_avg.copy_(given.view(-1).float())
    elif not network.classes:
        stream = torch.Generator().manual_seed(SEED)
        latents = torch.randn(DRAWN, network.latent_dim, generator=stream)
        network.w_avg.copy_(network.mapping(latents, None).mean(0))
        return (f"{tensors.path}: holds no mean w; truncation uses that of {DRAWN} latents",)
    return ()


def _check_filters(tensors: Tensors) -> None:
    taps = torch.tensor(TAPS)
    wanted = torch.outer(taps, taps) / 64
    pattern = r".*(resample_filter|\.kernel)"
    tensors.ignore(pattern)
    for key in tensors.taken:
        found = tensors.state[key]
        dense = isinstance(found, Tensor) and found.layout == torch.strided
        if not dense or found.numel() != 16 or not found.is_floating_point():
            raise tensors.error(f"{key} is not a 4x4 filter")
        found = found.float().view(4, 4)
        if not torch.allclose(found / found.sum(), wanted, atol=1e-4):
            raise tensors.error(f"{key} is another filter than [1, 3, 3, 1], which alone is read")


def _read_nvidia(tensors: Tensors, *, conv_clamp: float | int | None = None) -> Generator:
    """``conv_clamp``: what a state dict does not say (256 in ADA's trainings); a pickle does."""
    said = tensors.beside.get("synthesis.b4.conv1.conv_clamp", conv_clamp)
    if conv_clamp is not None and not 0 <= conv_clamp < math.inf:
        raise tensors.error(f"option conv_clamp is {conv_clamp}; it takes a number of at least 0")
    if conv_clamp not in (None, said):
        raise tensors.error(
            f"option conv_clamp is {conv_clamp}; the file says {said}: leave it out"
        )
    for name, wanted in (("architecture", "skip"), ("conv1.activation", "lrelu")):
        found = tensors.beside.get(f"synthesis.b4.{name}", wanted)
        if found != wanted:
            raise tensors.error(f"{name} is {found!r}; only {wanted!r} is read")
    generator = _build(tensors, float(said or 0))
    if not tensors.beside and conv_clamp is None:
        note = f"{tensors.path}: a state dict does not say conv_clamp (256 in ADA); none is taken"
        generator = replace(generator, notes=(*generator.notes, note))
    return replace(generator, options={"conv_clamp": said})


def _read(tensors: Tensors) -> Generator:
    return _build(tensors, 0.0)


_NVIDIA = (
    r"(conv[01]|torgb)"
    r"\.(weight|bias|noise_strength|noise_const|affine\.(weight|bias)|resample_filter)"
)
_CONV = (
    r"(conv\.(weight|blur\.kernel|modulation\.(weight|bias))|noise\.weight"
    r"|activate\.bias|bias|upsample\.kernel)"
)
_GENFORCE = r"(weight|bias|noise|noise_strength|filter\.kernel|style\.(weight|bias))"
LAYOUTS = (
    Layout(
        "stylegan2-nvidia",
        rf"synthesis\.b\d+\.({_NVIDIA}|const|resample_filter|skip\..*)"
        r"|mapping\.((fc\d+|embed)\.(weight|bias)|w_avg)",
        _read_nvidia,
        fold,
        "a state dict (G_ema): load it with load_state_dict; it does not say conv_clamp",
        fold_roughly,
    ),
    Layout(
        "stylegan2-rosinality",
        rf"style\.\d+\.(weight|bias)|input\.input|(conv1|to_rgb1|(convs|to_rgbs)\.\d+)\.{_CONV}|noises\.noise_\d+",
        _read,
        fold,
        rough=fold_roughly,
    ),
    Layout(
        "stylegan2-genforce",
        rf"synthesis\.((layer|output)\d+\.{_GENFORCE}|early_layer\.const|upsample\.kernel)"
        r"|mapping\.(dense\d+\.(weight|bias)|label_weight)|truncation\.w_avg",
        _read,
        fold,
        rough=fold_roughly,
    ),
)
_SMALL = {"latent_dim": 6, "widths": [4, 4, 4, 3]}
_CLASSES = _SMALL | {"sizes": [9, 5], "classes": 2}
FAMILY = Family(
    "stylegan2",
    StyleGAN2,
    as_generator,
    examples=(
        _SMALL | {"sizes": [6, 5]},
        _CLASSES | {"label": "apart", "clamp": 0.5},
        _CLASSES | {"label": "together"},
    ),
)
