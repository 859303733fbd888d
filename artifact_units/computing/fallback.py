"""Kernels that are compiled on the spot: used where they work, and else the slower way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor

from artifact_units.files.manifests import note

Way = TypeVar("Way", bound=Callable[..., Tensor])


def tried(fast: Way, slow: Way, example: Callable[[], Iterable[Any]]) -> Way:
    """``fast`` if it gives on the example exactly what ``slow`` gives; else ``slow``, and a note.

    What a compiler makes depends on what it finds there: a C compiler, a driver, a version.
    """
    try:
        if torch.equal(fast(*example()), slow(*example())):
            return fast
        why = "they count otherwise than tensors do"
    except Exception as error:  # a compiler that is missing or too old fails in any way it likes
        why = (str(error).splitlines() or [type(error).__name__])[0]
    note(f"Triton's kernels are not used here, which is slower: {why}")
    return slow
