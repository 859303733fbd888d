"""Standing statistics (Brock et al., ICLR 2019, section 3.2) of BigGAN and U-Net GAN.

Batch statistics averaged over many batches, in place of the running ones of a checkpoint, which
lag behind averaged weights. The public script that samples U-Net GAN's FFHQ checkpoint takes them
(100 batches). They are written as a checkpoint of the same layout, the spectral norm's vectors
moved on as far, so that its own code and everything here draw the same images from it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artifact_units.errors import UserError
from artifact_units.files.checkpoints import read_checkpoint
from artifact_units.files.states import write_state
from artifact_units.files.storage import whole_file
from artifact_units.generators import built, recognise
from artifact_units.generators.biggan import BigGAN, ConditionalNorm
from artifact_units.generators.biggan_layouts import statistic
from artifact_units.generators.own import NOTES, read_notes
from artifact_units.layers.layouts import Tensors

KEPT_IN = ("biggan-ajbrock", "unetgan")  # layouts that keep running statistics
WHOSE = "one of BigGAN (ajbrock) or U-Net GAN"


@torch.no_grad()
def accumulate(
    path: Path,
    out: Path,
    *,
    batches: int,
    batch: int,
    seed: int,
    device: torch.device,
    weights: str | None = None,
) -> None:
    """Write the checkpoint at ``path`` with standing statistics to ``out``.

    Latents (and classes, where it has them) are drawn from ``seed``; ``weights`` is the place of
    the network where the file holds several. A UserError where the layout keeps no running
    statistics of one network.
    """
    checkpoint = read_checkpoint(path)
    if NOTES in checkpoint.metadata:
        held = f"a {read_notes(checkpoint).get('family')} of our own layout"
        raise UserError(f"{path}: {held}; give the checkpoint that it was made of, {WHOSE}")
    layout, state = recognise(checkpoint, weights=weights)
    if layout.name not in KEPT_IN:
        raise UserError(
            f"{path}: {layout.name} has no running statistics to accumulate anew; give {WHOSE}"
        )
    given = Tensors(path, layout.name, state.tensors, state.beside)
    built(layout, given)  # what is wrong with the file is said of it as it is
    moved = {k: _advanced(given, k, batches) for k in state.tensors}
    tensors = Tensors(path, layout.name, moved, state.beside)
    network = built(layout, tensors).network.to(device)
    assert isinstance(network, BigGAN)
    for name, found in standing(network, batches, batch, seed).items():
        for which, value in zip(("mean", "var"), found, strict=True):
            statistic(moved, _key(name), which).copy_(value)
    with whole_file(out) as part:
        write_state(part, checkpoint, state, moved)


@torch.no_grad()
def standing(
    network: BigGAN, batches: int, batch: int, seed: int
) -> dict[str, tuple[Tensor, Tensor]]:
    """Mean and variance that each batch norm meets, by its name, averaged over ``batches``.

    In these passes each batch is normalised by its own statistics, as in training. The network
    keeps the averages.
    """
    norms = {
        name: (module, *_buffers(module))
        for name, module in network.named_modules()
        if isinstance(module, ConditionalNorm | nn.BatchNorm2d)
    }
    sums = {n: (torch.zeros_like(m), torch.zeros_like(v)) for n, (_, m, v) in norms.items()}

    def meeting(name: str) -> Callable[..., None]:
        def meet(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
            var, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
            for kept, total, found in zip(norms[name][1:], sums[name], (mean, var), strict=True):
                kept.copy_(found)
                total.add_(found / batches)

        return meet

    handles = [module.register_forward_pre_hook(meeting(n)) for n, (module, *_) in norms.items()]
    stream = torch.Generator().manual_seed(seed)
    place = network.linear.weight.device
    for _ in range(batches):
        latents = torch.randn(batch, network.latent_dim, generator=stream)
        classes = torch.randint(max(network.classes, 1), (batch,), generator=stream)
        network(latents.to(place), classes.to(place))
    for handle in handles:
        handle.remove()
    for name, (_, *buffers) in norms.items():
        for kept, total in zip(buffers, sums[name], strict=True):
            kept.copy_(total)
    return sums


def _buffers(norm: ConditionalNorm | nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    if isinstance(norm, ConditionalNorm):
        return norm.mean, norm.var
    assert norm.running_mean is not None
    assert norm.running_var is not None
    return norm.running_mean, norm.running_var


def _key(name: str) -> str:
    """``layer2.block.bn1`` -> ``blocks.1.0.bn1``; ``bn`` -> ``output_layer.0``."""
    layer, _, norm = name.partition(".block.")
    return f"blocks.{int(layer.removeprefix('layer')) - 1}.0.{norm}" if norm else "output_layer.0"


def _advanced(given: Tensors, key: str, steps: int) -> Tensor:
    """The spectral norm's vector ``u0`` after ``steps`` power steps; other tensors as they are."""
    given.shape(key)
    value: Tensor = given.state[key]
    if not key.endswith(".u0"):
        return value.clone()
    weight = f"{key[:-3]}.weight"
    rows = given.take(weight, *given.shape(weight)).flatten(1)
    u = given.take(key, 1, len(rows))
    for _ in range(steps):
        u = F.normalize(F.normalize(u @ rows) @ rows.t())
    return u.to(value.dtype)
