"""Where and how things are computed: the device, the threads, determinism; by batches that fit."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from artifact_units.errors import UserError
from artifact_units.generator import Generator
from artifact_units.images import byte_from_signed
from artifact_units.latents import latents_of
from artifact_units.manifests import note
from artifact_units.shapes import Images
from artifact_units.transfers import fetched, sent

Result = TypeVar("Result")
NO_GPU = ("", "-1", "NoDevFiles")  # what a scheduler says where it gives none
SMALLER = "run.precision to bfloat16"  # the remedy where it is the generator that has no room
COMPARED = 20  # generations, twice computed to say what precision and format change


def prepare(device: str, threads: int) -> torch.device:
    """Set threads and determinism; ``auto`` is a GPU where there is one, else the CPU.

    A GPU that cannot be computed on is a UserError; of one that can, manifests say which it was.
    """
    torch.set_num_threads(threads)
    # The same two flags as use_deterministic_algorithms, which imports the compiler for a second.
    torch.set_deterministic_debug_mode("warn")
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
        given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        if device == "cpu" and given not in NO_GPU:
            sees = f"torch {torch.__version__} sees no GPU"
            note(f"computed on the CPU: {sees}, though CUDA_VISIBLE_DEVICES is {given}")
    if device == "cuda":
        note(f"computed on a GPU: {_usable_gpu()}")
    return torch.device(device)


def _usable_gpu() -> str:
    """Its name, once it has computed something."""
    try:
        torch.ones(1, device="cuda").item()
        return torch.cuda.get_device_name()
    except (RuntimeError, AssertionError) as error:  # the latter where torch is built without CUDA
        why = (str(error).splitlines() or ["it says nothing"])[0].rstrip(".")
        raise UserError(
            f"the GPU cannot be used by this torch, {torch.__version__}: {why}; "
            "set run.device to cpu, or install a torch for its driver and architecture"
        ) from None


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


def batched(
    items: Any, batch: int, work: Callable[[Any], Result], remedy: str = ""
) -> Iterator[Result]:
    """What ``work`` makes of ``items`` (ids, images), at most ``batch`` at once, in order.

    Where a GPU's memory does not suffice, the batch is halved from there on and the manifest says
    so; a UserError with the bytes needed where one at a time is too many. ``remedy`` says which
    parameter to set to what, where one helps.
    """
    start = 0
    while start < len(items):
        part = items[start : start + batch]
        try:
            found = work(part)
        except torch.OutOfMemoryError as error:
            batch = _half(len(part), remedy, error)
            continue  # the error is gone now, and with it what its frames held
        yield found
        start += len(part)


def filled(room: Tensor, parts: Iterable[Tensor]) -> Tensor:
    """``room`` with the parts in it, one after the other.

    Where each part is made from something large, small ones kept between would split the heap.
    """
    start = 0
    for part in parts:
        room[start : start + len(part)] = part
        start += len(part)
    return room


def _half(batch: int, remedy: str, error: torch.OutOfMemoryError) -> int:
    if batch == 1:
        raise _too_large("one image at once", remedy, error)
    note(f"out of memory on the GPU: batches of {batch} were halved to {batch // 2}")
    return batch // 2


@contextmanager
def in_room(what: str, remedy: str) -> Iterator[None]:
    """For what cannot be halved: a UserError with the bytes needed where a GPU has no room.

    ``remedy`` says which parameter to set to what.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise _too_large(what, remedy, error) from None


def _too_large(what: str, remedy: str, error: torch.OutOfMemoryError) -> UserError:
    asked = re.search(r"allocate ([\d.]+) (K|M|G|)i?B", str(error))
    more = float(asked[1]) * 1024 ** " KMG".index(asked[2] or " ") if asked else 0
    need = torch.cuda.memory_allocated() + more  # what this one holds is held still
    ways = ["take a larger GPU", "set run.device to cpu", *filter(None, [remedy])]
    return UserError(
        f"the GPU has no room for {what}, which needs {need / 1e9:.2f} GB; "
        f"{', '.join(ways[:-1])}, or {ways[-1]}"
    )
