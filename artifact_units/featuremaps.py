"""Featuremaps in half precision, as they were collected; ``stored`` reads them.

A set of featuremaps is a folder of safetensors shards, 200 generations each, in id order: ``ids``
(int64 ``[image]``) and one float16 tensor ``[image, unit, row, col]`` a layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from artifact_units.errors import UserError


def read_ids(folder: Path) -> np.ndarray:
    """The generations of a folder of shards, int64 ``[image]``."""
    return torch.cat(list(_tensors(folder, "ids"))).numpy()


def _tensors(folder: Path, key: str) -> Iterator[Tensor]:
    shards = sorted(folder.glob("[0-9]*.safetensors"))
    if not shards:
        raise UserError(f"{folder}: holds no featuremaps (00000.safetensors ...)")
    for shard in shards:
        try:
            with safe_open(shard, framework="pt") as file:
                yield file.get_tensor(key)
        except SafetensorError as error:
            raise UserError(f"{shard}: {error}; run collect_featuremaps again") from None
