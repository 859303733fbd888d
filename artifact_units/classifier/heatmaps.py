"""Heatmaps as ``compute_masks`` stores them, and the masks that are made from them on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import torch
from torch.nn import functional as F

from artifact_units.errors import UserError
from artifact_units.files.tables import metadata_of, read_table, write_table
from artifact_units.labels.verdicts import CLASSES
from artifact_units.shapes import Heatmaps, Logits, Masks

CHUNK = 256  # heatmaps upsampled at once


@dataclass(frozen=True)
class HeatmapSet:
    """What the classifier says of some generations, and where it looks; rows go together."""

    ids: np.ndarray  # int64 [image]
    logits: Logits  # of artifact, normal, real; before the softmax
    heatmaps: Heatmaps  # [0, 1]; all zero where nothing speaks for the artifact

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, ids: Sequence[int] | np.ndarray) -> HeatmapSet:
        """The rows of ``ids``, in that order."""
        place = {int(i): row for row, i in enumerate(self.ids)}
        missing = [int(i) for i in ids if int(i) not in place]
        if missing:
            raise UserError(f"generation {missing[0]} has no heatmap; there are {len(self)}")
        rows = np.array([place[int(i)] for i in ids], dtype=np.int64)
        index = torch.from_numpy(rows)
        return HeatmapSet(self.ids[rows], self.logits[index], self.heatmaps[index])


def masks_from(heatmaps: Heatmaps, threshold: float, px: int) -> Masks:
    """True where the heatmap, upsampled to ``px`` by ``px``, is above ``threshold`` (section 3.1).

    Bilinear with half-pixel centres. An all-zero heatmap has an empty mask.
    """
    masks = torch.zeros(len(heatmaps), px, px, dtype=torch.bool, device=heatmaps.device)
    for start in range(0, len(heatmaps), CHUNK):
        part = heatmaps[start : start + CHUNK, None].float()
        large = F.interpolate(part, size=(px, px), mode="bilinear", align_corners=False)
        masks[start : start + CHUNK] = large[:, 0] > threshold
    return masks


def read_heatmaps(path: Path, part: str | None = None) -> HeatmapSet:
    """The rows of one part (``labelled`` or ``heldout``) of the table ``heatmaps``, or all."""
    table = read_table(path, "heatmaps")
    rows = table.filter(pc.field("part") == part) if part else table
    if not len(rows):
        raise UserError(f"{path}: holds no {part or 'one'} generation; run compute_masks on some")
    grid = (int(metadata_of(table)["rows"]), int(metadata_of(table)["cols"]))
    values = rows["heatmap"].combine_chunks().flatten().to_numpy()
    logits = np.stack([rows[name].to_numpy() for name in CLASSES], axis=1)
    return HeatmapSet(
        ids=rows["id"].to_numpy(),
        logits=torch.from_numpy(logits),
        heatmaps=torch.from_numpy(values.reshape(-1, *grid).copy()),
    )


def write_heatmaps(path: Path, parts: Mapping[str, HeatmapSet]) -> None:
    """Write the table ``heatmaps``; every part has the same grid."""
    sets = list(parts.values())
    heatmaps = torch.cat([s.heatmaps for s in sets])
    logits = torch.cat([s.logits for s in sets]).T.numpy()
    columns = {
        "id": np.concatenate([s.ids for s in sets]),
        "part": [name for name, s in parts.items() for _ in range(len(s))],
        **dict(zip(CLASSES, logits, strict=True)),
        "heatmap": list(heatmaps.flatten(1).numpy()),
    }
    grid = {"rows": str(heatmaps.shape[1]), "cols": str(heatmaps.shape[2])}
    write_table(path, "heatmaps", columns, grid)
