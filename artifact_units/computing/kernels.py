"""Loops over pixels and values, compiled for the CPU by numba.

``overlap`` and ``histograms`` say what they count. No fastmath: every operation is rounded to
float32 as written, so the counts are the definition's. What is compiled is kept in ``__pycache__``
beside this file, where neither git nor DVC looks. Imported where it is first needed: that takes a
few tenths of a second. numba infers types, so checkers of annotations must leave these alone.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from numba import njit


@njit(cache=True)
@no_type_check
def add_patterns(patterns: np.ndarray, counts: np.ndarray) -> None:
    """Add 1 to ``counts`` int32 ``[unit, 65,536]`` for each of uint16 ``[image, unit, value]``."""
    images, units, values = patterns.shape
    for unit in range(units):
        row = counts[unit]
        for image in range(images):
            for value in range(values):
                row[patterns[image, unit, value]] += 1


@njit(cache=True)
@no_type_check
def count_overlap(
    maps: np.ndarray,  # float32 [image, unit, row, col]
    thresholds: np.ndarray,  # float32 [unit]
    masks: np.ndarray,  # bool [image, height, width]
    rows: tuple[np.ndarray, np.ndarray],  # int64 [row + 1]: where its pixels begin; f32 [height]
    cols: tuple[np.ndarray, np.ndarray],
    counts: np.ndarray,  # int64 [image, unit, 2], written: on and mask; on
) -> None:
    """Count the pixels where the upsampled map of an image and unit is above the threshold."""
    pixels = np.empty(masks.shape[1:], np.int32)
    inside = np.zeros((masks.shape[1] + 1, masks.shape[2] + 1), np.int32)
    for image in range(maps.shape[0]):
        _weigh(masks[image], pixels, inside)
        for unit in range(maps.shape[1]):
            grid, bound = maps[image, unit], thresholds[unit]
            if grid.shape == pixels.shape:
                both, on = _as_they_are(grid, bound, pixels)
            else:
                both, on = _of_unit(grid, bound, pixels, inside, rows, cols)
            counts[image, unit, 0] = both
            counts[image, unit, 1] = on


@njit(cache=True)
@no_type_check
def _weigh(mask, pixels, inside):
    """Write what a pixel adds (1, and 65,536 more on the mask) and the mask's summed-area table."""
    height, width = mask.shape
    for y in range(height):
        line = 0
        for x in range(width):
            line += mask[y, x]
            pixels[y, x] = 1 + (mask[y, x] << 16)
            inside[y + 1, x + 1] = inside[y, x + 1] + line


@njit(cache=True)
@no_type_check
def _as_they_are(grid, bound, pixels):
    """Of a map as large as the mask: nothing lies between two values, a pixel is one."""
    both, on = 0, 0
    for y in range(grid.shape[0]):
        found = np.int32(0)
        for x in range(grid.shape[1]):
            found = np.int32(found + (pixels[y, x] if grid[y, x] > bound else np.int32(0)))
        both += found >> 16
        on += found & 0xFFFF
    return both, on


@njit(cache=True)
@no_type_check
def _of_unit(grid, bound, pixels, inside, rows, cols):
    """The pixels between four values of the map are its cell.

    Where all four are above the threshold so are the pixels, and the mask's share is one look-up;
    where none is, nothing is counted; only the other cells are interpolated.
    """
    (edge_y, weight_y), (edge_x, weight_x) = rows, cols
    height, width = grid.shape
    above = np.empty(width + 1, np.uint8)  # of the two values of a column; the last one twice
    lit = np.empty(width, np.int64)  # columns of the cells that are not skipped
    both, on = 0, 0
    for row in range(height):
        y0, y1, below = edge_y[row], edge_y[row + 1], min(row + 1, height - 1)
        for col in range(width):
            above[col] = (grid[row, col] > bound) + (grid[below, col] > bound)
        above[width] = above[width - 1]
        cells = 0
        for col in range(width):  # without a branch, which could not be foretold
            lit[cells] = col
            cells += above[col] + above[col + 1] > 0
        for col in lit[:cells]:
            x0, x1 = edge_x[col], edge_x[col + 1]
            if above[col] + above[col + 1] == 4:
                on += (y1 - y0) * (x1 - x0)
                both += inside[y1, x1] - inside[y0, x1] - inside[y1, x0] + inside[y0, x0]
                continue
            right = min(col + 1, width - 1)
            a, b, c, d = grid[row, col], grid[row, right], grid[below, col], grid[below, right]
            for y in range(y0, y1):
                left, far = a + weight_y[y] * (c - a), b + weight_y[y] * (d - b)
                found = _of_line(left, far, bound, pixels[y], inside[y : y + 2], weight_x, x0, x1)
                both += found >> 16
                on += found & 0xFFFF
    return both, on


@njit(cache=True, inline="always")
@no_type_check
def _of_line(left, right, bound, pixels, inside, weight, x0, x1):
    """One row of pixels of a cell, both counts in one number."""
    if left <= bound and right <= bound:
        return np.int32(0)
    if left > bound and right > bound:
        both = inside[1, x1] - inside[0, x1] - inside[1, x0] + inside[0, x0]
        return np.int32((both << 16) + x1 - x0)
    span = right - left
    found = np.int32(0)
    for x in range(x0, x1):
        found = np.int32(found + (pixels[x] if left + weight[x] * span > bound else np.int32(0)))
    return found
