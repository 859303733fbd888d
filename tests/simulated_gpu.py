"""A GPU that is not there: the CPU computes, and tensors say that they lie on ``cuda:0``.

Within ``simulated_gpu`` every call of torch is looked at before it is made. What a GPU refuses
raises: tensors of both sides in one call (but for copies, single numbers and indices on the CPU),
``numpy()`` of what is there, a kernel of Triton's that is handed what is not. A copy to main
memory holds zeros until the event behind it was waited for. ``waits`` lists the calls that keep the
host until the GPU is done: for a number, for a size that hangs on values, for a copy that is
blocking or not from pinned memory (of a list, too); not for an event. A real GPU is never asked.

It cannot show speed, memory, rounding (a GPU sums in another order), reduced precision,
determinism, races, what Triton compiles, what a GPU has no kernel for, nor what happens within one
call of torch.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from simulated_streams import Streams
from torch import Tensor
from torch.overrides import TorchFunctionMode, _get_current_function_mode
from torch.utils._pytree import tree_leaves, tree_map_only

from artifact_units.computing import gpu_kernels
from artifact_units.computing.stored import Streamed
from artifact_units.units import histograms, overlap
from artifact_units.units.featuremaps import StoredFeaturemaps

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
MAKE = Tensor._make_wrapper_subclass
KEPT = (overlap._on, overlap._on_gpu, histograms._on_gpu)  # they keep what they know of a device
WAITS = {
    *("item", "tolist", "equal", "allclose", "nonzero", "argwhere", "unique", "unique_consecutive"),
    *("masked_select", "bincount", "__bool__", "__int__", "__float__", "__index__", "__contains__"),
    *("__format__", "__repr__"),
}


class Simulated(Tensor):
    """A tensor of the simulated GPU; to torch's own code one of the CPU."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]


def on_gpu(x: Any) -> bool:
    """Whether ``x`` is a tensor of the simulated GPU, or one that is read or made there."""
    return isinstance(x, Simulated) or (isinstance(x, Tensor) and "on_gpu" in vars(x))


class SimulatedGpu(TorchFunctionMode):
    """Looks at every call of torch."""

    def __init__(self) -> None:
        super().__init__()
        self.streams = Streams()
        self.waits: list[str] = []  # what for, and where

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name, kwargs = func.__name__.partition(".")[0], dict(kwargs or {})
        if func == Tensor.device.__get__ and on_gpu(args[0]):  # pyright: ignore
            return GPU
        if name in ("to", "cpu", "cuda") or (name == "as_tensor" and isinstance(args[0], Tensor)):
            side = {"cpu": [CPU], "cuda": [GPU]}.get(name, [])
            return self._moved(*args, *side, **kwargs)
        if name == "pin_memory":
            return _pinned(*args)
        there = self._checked(name, args, tree_leaves((args, kwargs)))
        if kwargs.get("device") is not None:
            there = torch.device(kwargs["device"]).type == GPU.type
            kwargs["device"] = CPU
            if there and name in ("tensor", "as_tensor", "new_tensor"):
                self._wait(name)
        with torch._C.DisableTorchFunctionSubclass():
            found = func(*args, **kwargs)
        if not there or isinstance(found, torch.Size) or (args and found is args[0]):
            return found
        return tree_map_only(Tensor, _simulated, found)

    def _checked(self, name: str, args: tuple[Any, ...], leaves: list[Any]) -> bool:
        """Whether any tensor is on the GPU; raises what a GPU would, and notes waits."""
        tensors = [x for x in leaves if isinstance(x, Tensor)]
        if not any(map(on_gpu, tensors)) or name == "_has_compatible_shallow_copy_type":
            return False
        if name in ("__getitem__", "__setitem__"):
            self._check_index(*args)
        elif name in ("numpy", "__array__"):
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        elif name != "copy_":
            inplace = (name[-1] == "_" != name[-2]) or name.startswith("__i")
            if any(x.ndim or (inplace and x is args[0]) for x in tensors if not on_gpu(x)):
                sides = (f"{'cuda' if on_gpu(x) else 'cpu'} {list(x.shape)}" for x in tensors)
                raise RuntimeError(f"{name}: not all tensors on one device: {', '.join(sides)}")
        copied = name == "copy_" and not all(map(on_gpu, tensors))
        if copied or name in WAITS or (name == "where" and len(args) == 1):
            self._wait(name)
        return True

    def _check_index(self, x: Tensor, index: Any, value: Any = None) -> None:
        given: tuple[Any, ...] = index if isinstance(index, tuple) else (index,)
        places: list[Any] = [i for i in given if isinstance(i, Tensor | list | np.ndarray)]
        across = isinstance(value, Tensor) and on_gpu(value) != on_gpu(x)
        across = across and (value.ndim > 0 or on_gpu(value))
        if (places and across) or (not on_gpu(x) and any(map(on_gpu, places))):
            raise RuntimeError("indices and what they point to should be on one device")
        # Indices are copied there; where a mask is True has to be counted first.
        slow = any(not on_gpu(i) or i.dtype == torch.bool for i in places)
        if across or (slow and isinstance(x, Simulated)):
            self._wait("an index")

    def _moved(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if args and isinstance(args[0], Tensor):
            args = (GPU if on_gpu(args[0]) else CPU, args[0].dtype, *args[1:])
        parsed = torch._C._nn._parse_to(*args, **kwargs)  # type: ignore[attr-defined]
        device, dtype, at_once, layout = parsed
        before, after = on_gpu(x), on_gpu(x) if device is None else device.type == GPU.type
        form = {"dtype": dtype or x.dtype, "memory_format": layout or torch.preserve_format}
        found = x.to(**form, copy=before != after)
        if before and not after and at_once:
            return self.streams.under_way(found)
        if before != after and not (after and at_once and "pinned" in vars(x)):
            self._wait("a copy")
        return _simulated(found) if after else found

    def _wait(self, what: str) -> None:
        where = [f for f in traceback.extract_stack() if "artifact_units/" in f.filename]
        self.waits += [f"{what}, " + ", ".join(f"{f.filename}:{f.lineno}" for f in where[-1:])]


@contextmanager
def simulated_gpu() -> Iterator[SimulatedGpu]:
    """Within the block ``cuda`` is the simulated GPU."""
    gpu, overwriting = SimulatedGpu(), torch.__future__.get_overwrite_module_params_on_conversion()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "get_device_module", lambda _device: gpu.streams)
        patch.setattr(gpu_kernels, "_launch", partial(_launched, gpu_kernels._launch))
        patch.setattr(Tensor, "_make_wrapper_subclass", staticmethod(_made))
        for kind in (Streamed, StoredFeaturemaps):
            patch.setattr(kind, "__torch_dispatch__", _dispatching(kind, gpu))
        for kept in KEPT:
            kept.cache_clear()
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        try:
            with gpu:
                yield gpu
        finally:
            torch.__future__.set_overwrite_module_params_on_conversion(overwriting)
            for kept in KEPT:
                kept.cache_clear()


def _simulated(x: Tensor) -> Tensor:
    if not on_gpu(x):
        x.__class__ = Simulated
    return x


def _pinned(x: Tensor) -> Tensor:
    if on_gpu(x):
        raise RuntimeError("only tensors on the CPU can be pinned")
    copy = x.clone()
    vars(copy)["pinned"] = True
    return copy


def _launched(launch: Any, kernel: Any, programs: Any, warps: int, *given: Any) -> None:
    """By Triton's interpreter (``conftest.py``), for which nobody waits."""
    if not all(on_gpu(x) for x in given if isinstance(x, Tensor)):
        raise ValueError("a pointer cannot be accessed from Triton (cpu tensor?)")
    with torch._C.DisableTorchFunction():
        launch(kernel, programs, warps, *given)


def _made(kind: type, size: Any, *, device: torch.device, **given: Any) -> Tensor:
    """A tensor that is read when it is needed; torch itself would ask for a real GPU."""
    found = MAKE(kind, size, device=CPU, **given)
    vars(found).update({"on_gpu": True} if device.type == GPU.type else {})
    return found


def _dispatching(kind: Any, gpu: SimulatedGpu) -> Any:
    usual = vars(kind)["__torch_dispatch__"].__func__

    def dispatch(cls: Any, *given: Any) -> Any:  # a mode is off within a call that it looks at
        with nullcontext() if _get_current_function_mode() is gpu else gpu:
            return usual(cls, *given)

    return classmethod(dispatch)
