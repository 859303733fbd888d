"""The same bytes on every x86-64 processor with AVX2: what the libraries are told, and when.

Each of them picks instructions by the processor, and each picks sums in another order or rounds
otherwise. All are held to what every such processor has. They read this when they are loaded, so it
comes before torch and numpy, and imports neither. What they do not heed is MKL's vector library
behind torch's sqrt, tanh, sin, cos, exp and log of whole tensors, pow of a half, cdist, logsumexp,
and optimisers that are not fused; the code has other ways (``tanh``; NumPy; hypot; rsqrt).
numba's loops need nothing: they are rounded as written (kernels.py).
"""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SETTINGS = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own loops
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # its convolutions
    "MKL_CBWR": "COMPATIBLE",  # its products of matrices; AVX2 is heeded by Intel's alone
    "OPENBLAS_CORETYPE": "Haswell",  # NumPy's
}
# NumPy's own loops at its baseline, which sorts equal values alike, too. Its names for the rest:
GROUPS = "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"
BEFORE_2_4 = "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"
NUMPY = "NPY_DISABLE_CPU_FEATURES"


def settle() -> None:
    """Have what is imported from now on compute portably, where the processor can."""
    if _has_avx2():
        os.environ.update(SETTINGS | {NUMPY: _of_numpy()})


def is_settled() -> bool:
    """Whether this process was told so."""
    return all(os.environ.get(name) == value for name, value in SETTINGS.items())


def _has_avx2() -> bool:
    if platform.machine() != "x86_64":
        return False
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            return "avx2" in next(line for line in lines if line.startswith("flags")).split()
    except (OSError, StopIteration):
        return False


def _of_numpy() -> str:
    try:
        major, minor = version("numpy").split(".")[:2]
    except PackageNotFoundError:
        return GROUPS
    return GROUPS if (int(major), int(minor)) >= (2, 4) else BEFORE_2_4
