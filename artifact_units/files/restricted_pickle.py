"""NVIDIA's StyleGAN2-ADA pickles, read without running anything that lies in them.

Such a file stores each network as a record: the source text of its class, the class's name, and
its state. The peer executes the text; here a pickle may name only the few globals below, each
answered by something of this file, and the text is dropped. Tensors inside are themselves small
torch files: they go through ``torch.load(weights_only=True)``, never through a second pickle.
"""

from __future__ import annotations

import io
import pickle
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from artifact_units.errors import UserError
from artifact_units.files.inert import is_module, placeholder, text_of, whole_module
from artifact_units.files.pickle_judge import Refused, check_tensor, judge
from artifact_units.files.torch_judge import judge_bytes

TENSORFLOW = ("dnnlib.tflib", "tfutil")


def why(error: Exception) -> str:
    """Why torch or pickle would not read a file, in a few words."""
    asked = re.search(r"GLOBAL ([\w.]+)", str(error))
    if asked:
        return f"refused, because its pickle asks for {asked[1]}; only tensors are read"
    return f"not a readable checkpoint ({type(error).__name__}); cut short?"


class Record:
    """One persistent object: the name of its class and its state; never its source text."""

    def __init__(self, meta: dict[str, Any]) -> None:
        name = meta.get("class_name")
        self.class_name = name if isinstance(name, str) else ""
        state = meta.get("state")
        self.state: dict[str, Any] = state if isinstance(state, dict) else {}


class _Items(dict):
    """Stands in for the peer's dictionary class."""


class _NumberType:
    """Stands in for ``numpy.dtype``: the kind and width of a scalar, nothing structured."""

    def __init__(self, code: str, *_flags: Any) -> None:
        if not re.fullmatch(r"[bfiu][1248]", str(code)):
            raise Refused(f"a number of type {code!r}")
        self.code = code

    def __setstate__(self, state: tuple) -> None:
        self.order = "<" if state[1] == "|" else state[1]


def _scalar(kind: _NumberType, raw: bytes) -> Any:
    return np.frombuffer(raw, np.dtype(kind.order + kind.code))[0].item()


def _bytes(text: str, encoding: str) -> bytes:
    """Bytes, as old protocols spell them."""
    if encoding != "latin1":
        raise Refused(f"refused: bytes spelt in {encoding!r}")
    return text.encode("latin1")


def _tensor_bytes(raw: bytes) -> Any:
    judge_bytes(raw)
    return torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)


def _tensor(storage: Any, offset: int, size: tuple, stride: tuple, *_rest: Any) -> torch.Tensor:
    there = storage._untyped_storage.nbytes() // storage.dtype.itemsize
    check_tensor(there, offset, size, stride)
    return torch.tensor([], dtype=storage.dtype).set_(
        storage._untyped_storage, offset, size, stride
    )


def _parameter(data: torch.Tensor, *_rest: Any) -> torch.Tensor:
    return data


def _allowed() -> dict[tuple[str, str], Any]:
    # Wrapped anew for each file: a pickle can set attributes on whatever it is handed.
    def call(function):
        return lambda *arguments: function(*arguments)

    return {
        ("torch_utils.persistence", "_reconstruct_persistent_obj"): call(Record),
        ("dnnlib.util", "EasyDict"): type("Items", (_Items,), {}),
        ("collections", "OrderedDict"): OrderedDict,
        ("builtins", "set"): call(set),
        ("torch._utils", "_rebuild_parameter"): call(_parameter),
        ("torch._utils", "_rebuild_tensor_v2"): call(_tensor),
        ("torch.storage", "_load_from_bytes"): call(_tensor_bytes),
        ("_codecs", "encode"): call(_bytes),
        ("numpy", "dtype"): call(_NumberType),
        ("numpy.core.multiarray", "scalar"): call(_scalar),
        ("numpy._core.multiarray", "scalar"): call(_scalar),
    }


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BufferedIOBase) -> None:
        super().__init__(file)
        self.allowed = _allowed()

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith(TENSORFLOW):
            raise Refused(
                "a TensorFlow pickle; convert it with legacy.py of stylegan2-ada-pytorch "
                "(StyleGAN2) or take a PyTorch conversion (PGGAN)"
            )
        if (module, name) not in self.allowed:
            kind = placeholder(f"{module}.{name}")
            if kind is None:
                raise Refused(
                    f"refused, because its pickle asks for {module}.{name}; only tensors are read"
                )
            self.allowed[module, name] = kind
        return self.allowed[module, name]


def read_pickle(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The networks in a pickle: ``{name: {key: tensor}}`` and ``{name: {attribute: value}}``.

    Raises a UserError for anything that is not data, or that cannot be read.
    """
    try:
        with path.open("rb") as file:
            judge(file, path.stat().st_size)
            file.seek(0)
            tree = _Unpickler(file).load()
    except Refused as refusal:
        raise UserError(f"{path}: {refusal}") from None
    except Exception as error:  # a hostile or cut pickle can fail in any way
        raise UserError(f"{path}: {why(error)}") from None
    if is_module(tree):
        raise UserError(f"{path}: {whole_module(tree)}")
    records = tree if isinstance(tree, dict) else {}
    found = {k: _flatten(v) for k, v in records.items() if isinstance(v, Record)}
    if not found and _holds_tensors(records):
        return {text_of(k): v for k, v in records.items()}, {}
    if not any(tensors for tensors, _ in found.values()):
        raise UserError(f"{path}: a pickle without a network in it")
    return {k: t for k, (t, _) in found.items()}, {k: a for k, (_, a) in found.items()}


def _holds_tensors(tree: dict) -> bool:
    """Whether it is a state dict, or a dictionary of such: what ``pickle.dump`` makes of one."""
    inner = [
        v for each in tree.values() for v in (each.values() if isinstance(each, dict) else [each])
    ]
    return any(isinstance(value, torch.Tensor) or is_module(value) for value in inner)


def _flatten(record: Record, place: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    tensors: dict[str, Any] = {}
    attributes: dict[str, Any] = {f"{place}class": record.class_name}
    for key, value in record.state.items():
        if key in ("_parameters", "_buffers") and isinstance(value, dict):
            tensors |= {f"{place}{k}": v for k, v in value.items() if v is not None}
        elif isinstance(value, str | int | float | bool | None):
            attributes[f"{place}{key}"] = value
    modules = record.state.get("_modules")
    for name, inner in (modules if isinstance(modules, dict) else {}).items():
        if isinstance(inner, Record):
            below, said = _flatten(inner, f"{place}{name}.")
            tensors, attributes = tensors | below, attributes | said
    return tensors, attributes
