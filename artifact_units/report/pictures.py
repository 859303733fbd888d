"""Small pictures inside the page: data URIs at the image's own pixels, outlines as vector paths."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate, pad

LARGEST = 128  # px; larger images are reduced to this, so that the page stays small
GAP = 4  # px between the pictures of a montage

Picture = UInt8[Tensor, "3 height width"]
Mask = Bool[Tensor, "height width"]


def data_uri(picture: Picture, largest: int = LARGEST) -> str:
    """The picture as a PNG data URI; the same pixels give the same text."""
    return "data:image/png;base64," + base64.b64encode(_png(picture, largest)).decode()


def montage(rows: Sequence[UInt8[Tensor, "image 3 height width"]], px: int) -> bytes:
    """Rows of equally many pictures as one PNG, each picture ``px`` wide and high, on white."""
    enlarged = [interpolate(row.float(), (px, px), mode="nearest").byte() for row in rows]
    padded = [pad(row, (0, GAP, 0, GAP), value=255) for row in enlarged]
    lines = [torch.cat(list(row), dim=2) for row in padded]
    whole = torch.cat(lines, dim=1)[:, :-GAP, :-GAP]
    return _png(whole, max(whole.shape))


def _png(picture: Picture, largest: int) -> bytes:
    image = Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy())
    if max(image.size) > largest:
        image.thumbnail((largest, largest), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def to_grid(heatmap: Float[Tensor, "row col"], px: int) -> Float[Tensor, "px px"]:
    """A heatmap or featuremap at the image's pixels, bilinearly."""
    return interpolate(heatmap[None, None].float(), (px, px), mode="bilinear", align_corners=False)[
        0, 0
    ]


def heated(picture: Picture, heat: Float[Tensor, "height width"]) -> Picture:
    """The picture in grey under a heatmap in [0, 1]: dark where cold, bright yellow where hot."""
    grey = picture.float().mean(0).numpy()[..., None]
    colours = _heat_colours()[(heat.clamp(0, 1).numpy() * 255).round().astype(int)]
    mixed = 0.45 * grey + 0.55 * colours
    return torch.from_numpy(mixed.round().astype(np.uint8)).permute(2, 0, 1)


def outline(mask: Mask) -> str:
    """The border of a mask as an SVG path in pixel units: ``M3 4h5M8 4v2``; empty for no mask.

    A path stays sharp at every zoom, and is a line and not a colour.
    """
    inside = np.pad(mask.numpy(), 1)
    across = inside[1:, 1:-1] != inside[:-1, 1:-1]  # [height + 1, width]: a border above the row
    down = inside[1:-1, 1:] != inside[1:-1, :-1]  # [height, width + 1]: a border left of the column
    rows = "".join(f"M{start} {y}h{length}" for y, start, length in _runs(across))
    columns = "".join(f"M{x} {start}v{length}" for x, start, length in _runs(down.T))
    return rows + columns


def _runs(lines: np.ndarray) -> list[tuple[int, int, int]]:
    """(line, first, length) of every run of True along the last axis."""
    edges = np.diff(np.pad(lines.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    starts, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    return [(int(n), int(a), int(b - a)) for (n, a), (_, b) in zip(starts, ends, strict=True)]


@cache
def _heat_colours() -> np.ndarray:
    """``[256, 3]`` in 0..255: matplotlib's inferno, whose lightness alone tells the order."""
    from matplotlib import colormaps

    return colormaps["inferno"](np.arange(256))[:, :3] * 255
