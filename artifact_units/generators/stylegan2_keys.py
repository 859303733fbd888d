"""Where the layouts of StyleGAN2 keep things: one ``Form`` a layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
    """Where a layout keeps things. k: layer from 0; i: resolution 4 * 2**i."""

    layers: str  # pattern whose first group counts
    layer: Callable[[int], str]
    rgb: Callable[[int], str]
    noise: Callable[[int], str]
    dense: Callable[[int], str]
    const: str
    average: str
    weight: str = "weight"
    bias: str = "bias"
    style: str = "style"
    strength: str = "noise_strength"
    lead: tuple[int, ...] = ()  # axes before a convolution's own
    rgb_bias: tuple[int, ...] = (3,)
    map_lead: tuple[int, ...] = (1,)  # axes before those of the constant
    noise_lead: tuple[int, ...] = (1, 1)
    image: Callable[[int], str] = lambda _i: ""  # the sum of the images so far
    scaled: bool = True  # 1/sqrt(fan in) is applied to a layer's weight before the demodulation


def _nvidia(k: int) -> str:
    return f"synthesis.b{4 * 2 ** ((k + 1) // 2)}.conv{(k + 1) % 2}"


def _rosinality(k: int) -> str:
    return f"convs.{k - 1}" if k else "conv1"


FORMS = {
    "stylegan2-nvidia": Form(
        r"synthesis\.b(\d+)\.",
        _nvidia,
        lambda i: f"synthesis.b{4 * 2**i}.torgb",
        lambda k: f"{_nvidia(k)}.noise_const",
        lambda n: f"mapping.fc{n}",
        "synthesis.b4.const",
        "mapping.w_avg",
        style="affine",
        map_lead=(),
        noise_lead=(),
        image=lambda i: f"synthesis.b{4 * 2**i}.img",
        scaled=False,
    ),
    "stylegan2-rosinality": Form(
        r"convs\.(\d+)\.",
        _rosinality,
        lambda i: f"to_rgbs.{i - 1}" if i else "to_rgb1",
        lambda k: f"noises.noise_{k}",
        lambda n: f"style.{n + 1}",
        "input.input",
        "latent_avg",
        weight="conv.weight",
        bias="activate.bias",
        style="conv.modulation",
        strength="noise.weight",
        lead=(1,),
        image=lambda i: f"to_rgbs.{i - 1}" if i else "",  # its to-RGB module adds
        rgb_bias=(1, 3, 1, 1),
    ),
    "stylegan2-genforce": Form(
        r"synthesis\.layer(\d+)\.",
        lambda k: f"synthesis.layer{k}",
        lambda i: f"synthesis.output{i}",
        lambda k: f"synthesis.layer{k}.noise",
        lambda n: f"mapping.dense{n}",
        "synthesis.early_layer.const",
        "truncation.w_avg",
    ),
}
