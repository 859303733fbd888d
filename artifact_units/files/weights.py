"""Weights of foreign networks from local files: nothing in them is executed, nothing is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from artifact_units.errors import UserError
from artifact_units.files import checkpoints
from artifact_units.files.storage import sha256_of


@dataclass(frozen=True)
class KnownWeights:
    """A published weights file: how to recognise it, and in words where people get it."""

    file: str
    sha256: str  # how its sha256 begins; publishers put it in the file's name
    source: str


def read_weights(path: Path, known: KnownWeights) -> dict[str, Tensor]:
    """The state dict in ``path``, on the CPU, if it is the published file."""
    wanted = f"{known.file} (sha256 {known.sha256}…) from {known.source}"
    if not path.is_file():
        raise UserError(f"{path}: no such weights; put there {wanted}: nothing is ever fetched")
    found = sha256_of(path)
    if not found.startswith(known.sha256):
        size = path.stat().st_size
        raise UserError(f"{path}: {size} bytes of sha256 {found[:8]}…, not {wanted}")
    return checkpoints.read_weights(path)


def misfit(path: Path, error: RuntimeError) -> UserError:
    """What torch says of a state dict that does not fit its network, as one line."""
    lines = [line.strip() for line in str(error).splitlines()]
    return UserError(f"{path}: not the weights of this network: {' '.join(lines)[:200]}")
