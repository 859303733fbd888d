"""EfficientNet-Lite0 once more, as functions of a state dict with the published file's names.

Held against the public implementation (efficientnet-lite-pytorch 0.1.0) with the published weights,
once: the same features to the last bit.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

# Of each bottleneck: units that enter, expansion, kernel, stride, units that leave.
BLOCKS = [
    *[(32, 1, 3, 1, 16), (16, 6, 3, 2, 24), (24, 6, 3, 1, 24), (24, 6, 5, 2, 40)],
    *[(40, 6, 5, 1, 40), (40, 6, 3, 2, 80), (80, 6, 3, 1, 80), (80, 6, 3, 1, 80)],
    *[(80, 6, 5, 1, 112), (112, 6, 5, 1, 112), (112, 6, 5, 1, 112), (112, 6, 5, 2, 192)],
    *[(192, 6, 5, 1, 192)] * 3,
    (192, 6, 3, 1, 320),
]
State = dict[str, Tensor]


def shapes() -> dict[str, torch.Size]:
    """Of the published file."""
    found = {"_conv_stem.weight": (32, 3, 3, 3), **_norm("_bn0", 32)}
    for k, (entries, expansion, kernel, _, units) in enumerate(BLOCKS):
        stem, wide = f"_blocks.{k}.", entries * expansion
        if expansion > 1:
            found |= {
                f"{stem}_expand_conv.weight": (wide, entries, 1, 1),
                **_norm(f"{stem}_bn0", wide),
            }
        found |= {f"{stem}_depthwise_conv.weight": (wide, 1, kernel, kernel)}
        found |= {**_norm(f"{stem}_bn1", wide), f"{stem}_project_conv.weight": (units, wide, 1, 1)}
        found |= _norm(f"{stem}_bn2", units)
    found |= {"_conv_head.weight": (1280, 320, 1, 1), **_norm("_bn1", 1280)}
    found |= {"_fc.weight": (1000, 1280), "_fc.bias": (1000,)}
    return {name: torch.Size(shape) for name, shape in found.items()}


def features(state: State, images: Tensor) -> Tensor:
    """Normalised images ``[batch, 3, height, width]`` -> ``[batch, 1280]``."""
    x = _step(state, images, "_conv_stem", "_bn0", 2).clamp(0, 6)
    for k, (entries, expansion, _, stride, units) in enumerate(BLOCKS):
        stem, inner = f"_blocks.{k}.", x
        if expansion > 1:
            inner = _step(state, x, f"{stem}_expand_conv", f"{stem}_bn0").clamp(0, 6)
        inner = _step(state, inner, f"{stem}_depthwise_conv", f"{stem}_bn1", stride).clamp(0, 6)
        inner = _step(state, inner, f"{stem}_project_conv", f"{stem}_bn2")
        x = x + inner if stride == 1 and entries == units else inner
    return _step(state, x, "_conv_head", "_bn1").clamp(0, 6).mean((2, 3))


def _norm(stem: str, units: int) -> dict[str, tuple[int, ...]]:
    names = ("weight", "bias", "running_mean", "running_var")
    return {**{f"{stem}.{name}": (units,) for name in names}, f"{stem}.num_batches_tracked": ()}


def _step(state: State, x: Tensor, conv: str, norm: str, stride: int = 1) -> Tensor:
    """A convolution padded as TensorFlow's, and a batch norm."""
    weight = state[f"{conv}.weight"]
    rows, cols = (
        max(((size - 1) // stride) * stride + weight.shape[2] - size, 0) for size in x.shape[2:]
    )
    x = F.pad(x, (cols // 2, cols - cols // 2, rows // 2, rows - rows // 2))
    x = F.conv2d(x, weight, stride=stride, groups=x.shape[1] if weight.shape[1] == 1 else 1)
    mean, var = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
    return F.batch_norm(x, mean, var, state[f"{norm}.weight"], state[f"{norm}.bias"], eps=1e-3)
