"""The one door for files that torch would unpickle: what may come in, and what is said if not.

Every weights file of the project (generators, classifiers, extractors) is read here, after its
opcodes were judged (``pickle_judge``, ``torch_judge``): pickles with ``weights_only=True`` alone,
zip files after a check of their CRC (torch itself does not notice a flipped bit), NVIDIA's through
``restricted_pickle``. What is no checkpoint is answered in one line.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from artifact_units.errors import UserError
from artifact_units.files.pickle_judge import refused_by
from artifact_units.files.restricted_pickle import read_pickle, why
from artifact_units.files.torch_judge import LEGACY, judge_legacy, judge_zip

PICKLE = b"\x80"

# In order: moving averages first, then raw weights.
AVERAGED = ("generator_smooth", "models.generator_smooth", "g_ema", "G_ema", "avgG")
AVERAGED += ("generator_ema", "netG_ema", "g_running", "params_ema", "ema")
AVERAGED += ("shadow_generator.state_dict", "state_dict")
RAW = ("generator", "models.generator", "g", "G", "netG", "netG_state_dict", "gen", "model")
RAW += ("model_state_dict",)


@dataclass(frozen=True)
class Checkpoint:
    """Everything a file held, as plain containers and tensors on the CPU."""

    path: Path
    tree: dict[str, Any]
    kind: str  # torch, pickle or safetensors
    metadata: dict[str, str] = field(default_factory=dict)  # safetensors only
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)  # pickle: by network


@dataclass(frozen=True)
class State:
    """The generator's tensors in a checkpoint: where they lay, and what lay beside them."""

    place: tuple[str, ...]  # keys of ``Checkpoint.tree``
    prefix: str  # "module." from DataParallel, or ""
    tensors: dict[str, Any]
    averaged: bool
    beside: dict[str, Any]


class _Configuration:
    """Stands in for the configuration object in files of PyTorch GAN Zoo; holds plain values."""


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of any kind; nothing in it is executed.

    Raises a UserError, one line with the file and the reason, for whatever is no checkpoint.
    """
    head = _head(path)
    if head[8:9] == b"{":
        return _read_safetensors(path)
    if head.startswith(PICKLE) and not head.startswith(LEGACY):
        tree, attributes = read_pickle(path)
        return Checkpoint(path, tree, "pickle", attributes=attributes)
    if head.startswith(b"PK"):
        judge_zip(path)
    elif head.startswith(LEGACY):
        with path.open("rb") as file, refused_by(path):
            judge_legacy(file, path.stat().st_size)
    else:
        raise UserError(f"{path}: {_what(head, path)}")
    return Checkpoint(path, _load(path), "torch")


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The state dict of a weights file (extractors, classifiers), all tensors."""
    tree = read_checkpoint(path).tree
    strangers = [k for k, v in tree.items() if not isinstance(v, torch.Tensor)]
    if strangers:
        raise UserError(f"{path}: {strangers[0]} is not a tensor; a bare state dict is needed")
    return tree


def generator_state(checkpoint: Checkpoint) -> State:
    """Unwrap the generator's state dict: moving averages before raw weights before a bare dict."""
    tree = checkpoint.tree
    for wrapper in (*AVERAGED, *RAW):
        place = tuple(wrapper.split("."))
        inner = _at(tree, place)
        if isinstance(inner, Mapping) and inner:
            beside = {**_at(tree, place[:-1]), **checkpoint.attributes.get(wrapper, {})}
            beside |= _configuration(tree.get("config"))
            beside.pop(place[-1], None)
            return _stripped(place, inner, wrapper in AVERAGED, beside)
    return _stripped((), tree, True, {})


def write_state(
    part: Path, checkpoint: Checkpoint, state: State, tensors: Mapping[str, torch.Tensor]
) -> None:
    """The file again, with other tensors for the generator; the rest of it as it was."""
    tensors = {state.prefix + key: value.contiguous() for key, value in tensors.items()}
    if checkpoint.kind == "safetensors":
        save_file(tensors, part, metadata=checkpoint.metadata or None)
        return
    tree: dict[str, Any] = tensors
    # A pickle's embedded source is not kept, so its generator is written as a bare state dict.
    place = () if checkpoint.kind == "pickle" else state.place
    for depth in reversed(range(len(place))):
        around: Any = checkpoint.tree
        for key in place[:depth]:
            around = around[key]
        tree = {**around, place[depth]: tree}
    # Through a file object: given a path, torch would write its name into the file.
    with part.open("wb") as file:
        torch.save(tree, file)


def _stripped(place: tuple[str, ...], tensors: Mapping, averaged: bool, beside: dict) -> State:
    prefix = "module." if all(str(k).startswith("module.") for k in tensors) else ""
    return State(
        place, prefix, {str(k)[len(prefix) :]: v for k, v in tensors.items()}, averaged, beside
    )


def _configuration(config: Any) -> dict[str, Any]:
    return {f"config.{k}": v for k, v in (config if isinstance(config, dict) else {}).items()}


def _at(tree: Any, place: tuple[str, ...]) -> Any:
    for key in place:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def _head(path: Path) -> bytes:
    if path.is_dir():
        inside = "a diffusers folder" if (path / "model_index.json").exists() else "a folder"
        raise UserError(f"{path}: {inside}, not a checkpoint file of a GAN")
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint")
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        raise UserError(f"{path}: the file is empty (0 bytes); fetch it again")
    return head


def _what(head: bytes, path: Path) -> str:
    """What a file is that cannot be a checkpoint, from its first bytes."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "an HTML page, not a checkpoint (a failed download); fetch it again"
    if text.startswith(b"version https://git-lfs"):
        return "a git-LFS pointer, not the checkpoint itself; run `git lfs pull`"
    if head.startswith(b"\x89HDF"):
        return "an HDF5 file (Keras); PyTorch checkpoints are read"
    if path.suffix == ".onnx" or (head[:1] == b"\x08" and b"torch" in head):
        return "an ONNX file, whose layers cannot be edited; give the PyTorch checkpoint"
    return f"not a readable checkpoint ({path.stat().st_size} bytes of no known format)"


def _load(path: Path) -> dict[str, Any]:
    harmless: list[Any] = [argparse.Namespace, (_Configuration, "models.utils.config.BaseConfig")]
    try:
        # As a file object: of a path, torch takes the kind of file from its name.
        with torch.serialization.safe_globals(harmless), path.open("rb") as file:
            tree = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile or cut file can fail in any way
        raise UserError(f"{path}: {why(error)}") from None
    if not isinstance(tree, dict):
        raise UserError(f"{path}: holds a {type(tree).__name__}, not a state dict")
    return {str(k): _plain(v) for k, v in tree.items()}


def _plain(value: Any) -> Any:
    return dict(vars(value)) if isinstance(value, argparse.Namespace | _Configuration) else value


def _read_safetensors(path: Path) -> Checkpoint:
    try:
        with safe_open(path, framework="pt") as file:
            tree = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return Checkpoint(path, tree, "safetensors", metadata=file.metadata() or {})
    except SafetensorError as error:
        raise UserError(f"{path}: not a readable safetensors file ({error})") from None
