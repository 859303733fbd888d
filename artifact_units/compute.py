"""Where and how things are computed: the device, the threads, determinism; sampling by batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from artifact_units.generator import Generator
from artifact_units.images import byte_from_signed
from artifact_units.latents import latents_of
from artifact_units.shapes import Images


def prepare(device: str, threads: int) -> torch.device:
    """Set threads and determinism; ``auto`` is a GPU where there is one, else the CPU."""
    torch.set_num_threads(threads)
    # The same two flags as use_deterministic_algorithms, which imports the compiler for a second.
    torch.set_deterministic_debug_mode("warn")
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)


@torch.inference_mode()
def sample(generator: Generator, ids: Sequence[int] | np.ndarray, batch: int) -> Iterator[Images]:
    """The generations of ``ids`` as uint8 batches, in order."""
    device = next(generator.network.parameters()).device
    for start in range(0, len(ids), batch):
        latents = latents_of(ids[start : start + batch], generator.latent_dim)
        yield byte_from_signed(generator(latents.to(device))).cpu()
