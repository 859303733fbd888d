"""Heatmaps that somebody else made: painted marks, another localiser's answers.

A folder holds one file a generation, named by its id: ``17.png`` (grey, 8 or 16 bits: black 0,
white 1) or ``17.npy`` (real numbers in [0, 1]), of any size. A generation without an artifact has
one that is all zero.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch.nn import functional as F

from artifact_units.classifier.masking import MaskerEvidence
from artifact_units.computing.transfers import sent
from artifact_units.errors import UserError
from artifact_units.shapes import Heatmaps, Logits

WHITE = {"L": 2**8 - 1, "I;16": 2**16 - 1}  # of a mode of PNG
NAMED = 10  # missing generations that a message names


def mask(evidence: MaskerEvidence, *, grid: int = 32) -> tuple[Logits, Heatmaps]:
    """The classifier's logits, and the files' heatmaps at ``grid`` by ``grid``.

    A file of another size is resized, bilinear and antialiased; its values are kept as they are.
    A UserError names the generations of the whole stage that have no file.
    """
    files = _files(evidence.folder)
    missing = [int(i) for i in evidence.asked if int(i) not in files]
    if missing:
        named = ", ".join(map(str, missing[:NAMED])) + (", …" if len(missing) > NAMED else "")
        raise UserError(
            f"{evidence.folder}: {len(missing)} of {len(evidence.asked)} generations have no "
            f"heatmap (ID.png or ID.npy): {named}; where nothing is wrong, it is all zero"
        )
    heatmaps = torch.cat([_at(grid, _read(files[int(i)])) for i in evidence.ids])
    return evidence.classifier(evidence.images), sent(heatmaps, evidence.images.device)


def _files(folder: Path) -> dict[int, Path]:
    """Id -> its file."""
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".png", ".npy") or not path.stem.isdecimal():
            continue
        if int(path.stem) in found:
            raise UserError(f"{path}: {found[int(path.stem)].name} is of the same generation")
        found[int(path.stem)] = path
    return found


def _read(path: Path) -> np.ndarray:
    """One heatmap, float32 ``[row, col]``."""
    try:
        if path.suffix == ".npy":
            values = np.lib.format.open_memmap(path, mode="r")  # never an object
        else:
            with Image.open(path) as image:
                white = WHITE.get(image.mode)
                values = np.asarray(image) / white if white else np.zeros(0)
    except (OSError, ValueError, UnidentifiedImageError) as error:
        raise UserError(f"{path}: not a readable heatmap ({error})") from None
    if values.ndim != 2 or not values.size or values.dtype.kind not in "fbui":
        raise UserError(f"{path}: a heatmap is one grey plane; save it so")
    if not ((values >= 0) & (values <= 1)).all():
        raise UserError(f"{path}: has values outside 0 … 1; divide by the largest there may be")
    return values.astype(np.float32)


def _at(grid: int, heatmap: np.ndarray) -> Heatmaps:
    whole = torch.from_numpy(heatmap)[None]
    if heatmap.shape == (grid, grid):
        return whole
    return F.interpolate(whole[None], (grid, grid), mode="bilinear", antialias=True)[0]
