"""Where things are computed: the device, the threads, determinism."""

from __future__ import annotations

import os
import platform

import torch

from artifact_units.computing import portable
from artifact_units.errors import UserError
from artifact_units.files.manifests import note

NO_GPU = ("", "-1", "NoDevFiles")  # what a scheduler says where it gives none


def prepare(device: str, threads: int) -> torch.device:
    """Set threads and determinism; ``auto`` is a GPU where there is one, else the CPU.

    A GPU that cannot be computed on is a UserError; of one that can, manifests say which it was,
    and of a CPU which instructions computed where those were its own.
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
    if not portable.is_settled():
        note(f"computed with the processor's own instructions: {_instructions()}")
    return torch.device(device)


def _instructions() -> str:
    return f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"


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
