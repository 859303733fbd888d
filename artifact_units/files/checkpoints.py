"""The one door for files that torch would unpickle: what may come in, and what is said if not.

Every weights file of the project (generators, classifiers, extractors) is read here, after its
opcodes were judged (``pickle_judge``, ``torch_judge``): pickles with ``weights_only=True`` alone,
zip files after a check of their CRC (torch itself does not notice a flipped bit), NVIDIA's through
``restricted_pickle``. What is no checkpoint is answered in one line.
"""

from __future__ import annotations

import argparse
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from artifact_units.errors import UserError
from artifact_units.files.inert import (
    SPACE,
    Inert,
    as_items,
    is_module,
    kind_of,
    placeholder,
    text_of,
    whole_module,
)
from artifact_units.files.pickle_judge import refused_by
from artifact_units.files.restricted_pickle import read_pickle, why
from artifact_units.files.torch_judge import LEGACY, judge_legacy, judge_zip

PICKLE = b"\x80"

TRIES = 64  # kinds of placeholders that one file may need


@dataclass(frozen=True)
class Checkpoint:
    """Everything a file held, as plain containers and tensors on the CPU."""

    path: Path
    tree: dict[str, Any]
    kind: str  # torch, pickle or safetensors
    metadata: dict[str, str] = field(default_factory=dict)  # safetensors only
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)  # pickle: by network


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


def write_tree(part: Path, checkpoint: Checkpoint, tree: dict[str, Any]) -> None:
    """A file of the kind that ``checkpoint`` is (for a pickle, torch's), which holds ``tree``."""
    if checkpoint.kind == "safetensors":
        save_file(tree, part, metadata=checkpoint.metadata or None)
        return
    # Through a file object: given a path, torch would write its name into the file.
    with part.open("wb") as file:
        torch.save(tree, file)


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise UserError(f"{path}: {_folder(path)}, not a checkpoint file of a GAN")
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint")
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        raise UserError(f"{path}: the file is empty (0 bytes); fetch it again")
    return head


def _folder(path: Path) -> str:
    if (path / "model_index.json").exists():
        return "a diffusers folder"
    if any(path.glob("diffusion_pytorch_model*")):
        return "a folder of one diffusers model"
    return "a folder"


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
    kinds: dict[str, Any] = {"argparse.Namespace": argparse.Namespace}
    kinds |= {name: kind for name in _asked(path) if (kind := placeholder(name))} | kinds
    tree = None
    for _ in range(TRIES):
        try:
            # As a file object: of a path, torch takes the kind of file from its name.
            allowed: list[Any] = [(kind, name) for name, kind in kinds.items()]
            with torch.serialization.safe_globals(allowed), path.open("rb") as file:
                tree = torch.load(file, map_location="cpu", weights_only=True)
            break
        except Exception as error:  # a hostile or cut file can fail in any way
            if not _answered(str(error), kinds):
                raise UserError(f"{path}: {why(error)}") from None
    if is_module(tree):
        raise UserError(f"{path}: {whole_module(tree)}")
    if not isinstance(tree, dict) or isinstance(tree, Inert):
        raise UserError(f"{path}: holds a {kind_of(tree)}, not a state dict")
    return {k if isinstance(k, str) else text_of(k): v for k, v in tree.items()}


def _asked(path: Path) -> list[str]:
    """The names in a zip file's pickle that torch does not know, read and not obeyed."""
    with path.open("rb") as file, suppress(Exception):  # what is wrong with it, torch.load says
        return torch.serialization.get_unsafe_globals_in_checkpoint(file)
    return []


def _answered(said: str, kinds: dict[str, Any]) -> bool:
    """Add to ``kinds`` a placeholder for the value that torch would not make, if it is harmless."""
    asked = re.search(r"Unsupported global: GLOBAL ([\w.]+) was not", said)
    filled = re.search(rf"Can only SETITEMS? .* but got <class '{SPACE}\.([\w.]+)'>", said)
    if filled and filled[1] in kinds:
        kinds[filled[1]] = as_items(kinds[filled[1]])
        return True
    if not asked:
        return False
    name = asked[1] if "." in asked[1] else f"builtins.{asked[1]}"
    kind = None if name in kinds else placeholder(name)
    kinds |= {name: kind} if kind else {}
    return kind is not None


def _read_safetensors(path: Path) -> Checkpoint:
    try:
        with safe_open(path, framework="pt") as file:
            tree = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return Checkpoint(path, tree, "safetensors", metadata=file.metadata() or {})
    except SafetensorError as error:
        raise UserError(f"{path}: not a readable safetensors file ({error})") from None
