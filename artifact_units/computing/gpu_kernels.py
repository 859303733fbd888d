"""The loops of ``kernels`` for a GPU, compiled by Triton: a layer is one launch.

``overlap`` and ``histograms`` say what they count, and try these before they trust them. Nothing
that is upsampled leaves the registers, nothing waits for the GPU. Products and sums are not fused
(``enable_fp_fusion``), so that every operation is rounded to float32 as the definition has it.
"""

from __future__ import annotations

from typing import Any, no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE = 1024  # pixels or values that a program has in hand at once


def count_overlap(
    maps: Tensor,  # float16 [image, unit, row, col]
    thresholds: Tensor,  # float32 [unit]
    masks: Tensor,  # bool [image, height, width]
    rows: tuple[Tensor, Tensor],  # int64 [row + 1]: where its pixels begin; float32 w [height]
    cols: tuple[Tensor, Tensor],  # int64 [width]: the value before; float32 w [width]
) -> Tensor:
    """On and mask, on: int32 ``[image, unit, 2]``; a program counts an image and unit."""
    images, units, *size = maps.shape
    counts = torch.empty(images, units, 2, dtype=torch.int32, device=maps.device)
    wide = triton.next_power_of_2(masks.shape[2])
    masks = masks.contiguous().view(torch.uint8)
    given = (maps.contiguous(), thresholds.contiguous(), masks, *rows, *cols)
    sizes = (units, *size, *masks.shape[1:], wide)
    warps = min(8, max(1, wide // 256))  # some eight pixels of a row to a thread
    _launch(_count_overlap, (images * units,), warps, *given, counts, *sizes)
    return counts


def add_patterns(patterns: Tensor, counts: Tensor) -> None:
    """Add 1 to ``counts`` int32 ``[unit, 65,536]`` for each of int16 ``[image, unit, value]``."""
    images, units, values = patterns.shape
    blocks = triton.cdiv(values, TILE)
    _launch(_add_patterns, (images * units, blocks), 4, patterns, counts, units, values, TILE)


def _launch(kernel: Any, programs: tuple[int, ...], warps: int, *given: Any) -> None:
    if programs[0]:
        kernel[programs](*given, num_warps=warps, enable_fp_fusion=False)


@triton.jit
@no_type_check
def _count_overlap(
    maps,
    thresholds,
    masks,
    edge_y,
    weight_y,
    before_x,
    weight_x,
    counts,
    units,
    rows,
    cols,
    height,
    width,
    WIDE: tl.constexpr,
):
    plane = tl.program_id(0).to(tl.int64)  # image * units + unit
    grid = maps + plane * rows * cols
    mask = masks + plane // units * height * width
    bound = tl.load(thresholds + plane % units)
    x = tl.arange(0, WIDE)
    left = tl.load(before_x + x, mask=x < width, other=0).to(tl.int32)
    dx = tl.load(weight_x + x, mask=x < width, other=0.0)
    right = tl.minimum(left + 1, cols - 1)
    found = tl.zeros([WIDE], tl.int32)  # of a column: on, and 65,536 times those on the mask
    for row in range(rows):
        top, low = grid + row * cols, grid + tl.minimum(row + 1, rows - 1) * cols
        a, b = tl.load(top + left).to(tl.float32), tl.load(top + right).to(tl.float32)
        c, d = tl.load(low + left).to(tl.float32), tl.load(low + right).to(tl.float32)
        for y in range(tl.load(edge_y + row), tl.load(edge_y + row + 1)):
            dy = tl.load(weight_y + y)
            first, second = a + dy * (c - a), b + dy * (d - b)
            inside = tl.load(mask + y * width + x, mask=x < width, other=0).to(tl.int32)
            lit = first + dx * (second - first) > bound
            found += tl.where(lit, 1 + (inside << 16), 0)
    found = tl.where(x < width, found, 0)
    tl.store(counts + 2 * plane, tl.sum(found >> 16))
    tl.store(counts + 2 * plane + 1, tl.sum(found & 0xFFFF))


@triton.jit
@no_type_check
def _add_patterns(patterns, counts, units, values, TILE: tl.constexpr):
    plane = tl.program_id(0).to(tl.int64)  # image * units + unit
    place = tl.program_id(1) * TILE + tl.arange(0, TILE)
    real = place < values
    pattern = tl.load(patterns + plane * values + place, mask=real, other=0).to(tl.int32) & 0xFFFF
    row = counts + (plane % units << 16)
    tl.atomic_add(row + pattern, 1, mask=real, sem="relaxed")
