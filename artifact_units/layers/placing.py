"""A generator on a device, in a precision and a memory format; its generations by batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from artifact_units.computing.batches import batched
from artifact_units.computing.transfers import fetched, sent
from artifact_units.images.image_sets import byte_from_signed
from artifact_units.images.latents import latents_of
from artifact_units.layers.generator import Generator
from artifact_units.shapes import Images

SMALLER = "run.precision to bfloat16"  # the remedy where it is the generator that has no room
COMPARED = 20  # generations, twice computed to say what precision and format change


def placed(
    generator: Generator, device: torch.device, precision: str, channels_last: bool
) -> Generator:
    """The generator on ``device``, computed in ``precision`` (a name of torch) and memory format.

    In bfloat16 its convolutions and linear layers are; images and featuremaps stay float32. What
    that changes in the pixels, ``effect`` says.
    """
    generator.to(device)
    if channels_last:
        generator.network.to(memory_format=torch.channels_last)
    return replace(generator, precision=getattr(torch, precision), channels_last=channels_last)


def effect(generator: Generator, ids: Sequence[int] | np.ndarray, batch: int) -> str:
    """What precision and memory format change in the first generations of ``ids``, a batch at most.

    Says the share of uint8 values that differ and the largest difference; "" for float32 in the
    usual format, where there is nothing to compare.
    """
    plain = replace(generator, precision=torch.float32, channels_last=False)
    if generator == plain:
        return ""
    ids = ids[: min(COMPARED, batch)]
    found = torch.cat(list(sample(generator, ids, len(ids))))
    plain.network.to(memory_format=torch.contiguous_format)
    gap = (torch.cat(list(sample(plain, ids, len(ids)))).int() - found.int()).abs()
    if generator.channels_last:
        generator.network.to(memory_format=torch.channels_last)
    how = str(generator.precision).removeprefix("torch.")
    how += ", channels last" if generator.channels_last else ""
    return (
        f"; {how} changes {(gap > 0).float().mean():.2%} of the uint8 values of {len(ids)} "
        f"generations, by at most {gap.max()}"
    )


def sample(generator: Generator, ids: Sequence[int] | np.ndarray, batch: int) -> Iterator[Images]:
    """The generations of ``ids`` as uint8 batches, in order."""
    device = next(generator.network.parameters()).device

    @torch.inference_mode()
    def images(mine: Sequence[int] | np.ndarray) -> Images:
        latents = latents_of(mine, generator.latent_dim)
        return byte_from_signed(generator(sent(latents, device)))

    return fetched(batched(ids, batch, images, SMALLER))
