from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from artifact_units import overlap
from artifact_units.overlap import overlap_of


def naive_bilinear(grid: np.ndarray, px: int) -> np.ndarray:
    """One featuremap at ``px`` by ``px``: half-pixel centres, the border repeated."""
    size = len(grid)
    large = np.zeros((px, px))
    for row in range(px):
        for col in range(px):
            y = max((row + 0.5) * size / px - 0.5, 0)
            x = max((col + 0.5) * size / px - 0.5, 0)
            top, left = int(y), int(x)
            low, right = min(top + 1, size - 1), min(left + 1, size - 1)
            dy, dx = y - top, x - left
            upper = (1 - dx) * grid[top, left] + dx * grid[top, right]
            lower = (1 - dx) * grid[low, left] + dx * grid[low, right]
            large[row, col] = (1 - dy) * upper + dy * lower
    return large


# Small whole numbers at factors of two: both ways of computing are exact, so counts must agree.
numbers = st.integers(-8, 8)


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(np.int64, (3, 2, 2, 2), elements=numbers),
    hnp.arrays(np.int64, (2,), elements=numbers),
    hnp.arrays(np.bool_, (3, 8, 8)),
)
def test_counts_equal_a_loop_over_images_units_and_pixels(maps, thresholds, masks) -> None:
    found = overlap_of(
        torch.from_numpy(maps).half(), torch.from_numpy(thresholds).float(), torch.from_numpy(masks)
    )
    for image in range(3):
        for unit in range(2):
            on = naive_bilinear(maps[image, unit], 8) > thresholds[unit]
            assert found.on[image, unit] == on.sum()
            assert found.intersection[image, unit] == (on & masks[image]).sum()
        assert found.mask[image] == masks[image].sum()


def test_counts_do_not_depend_on_how_many_images_are_taken_at_once(monkeypatch) -> None:
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(7, 5, 4, 4, generator=generator).half()
    masks = torch.rand(7, 9, 9, generator=generator) > 0.7
    thresholds = torch.linspace(-1, 1, 5)
    whole = overlap_of(maps, thresholds, masks)
    assert whole.on.dtype == torch.int64
    for images in (1, 2, 3):
        monkeypatch.setattr(overlap, "CHUNK", images * 5 * 81)
        parts = overlap_of(maps, thresholds, masks)
        assert torch.equal(parts.on, whole.on)
        assert torch.equal(parts.intersection, whole.intersection)


def test_iou_and_chance_by_hand() -> None:
    maps = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).expand(1, 1, 2, 2).half()
    mask = torch.tensor([[[True, True], [False, False]]])
    found = overlap_of(maps, torch.tensor([0.5]), mask)
    assert found.iou().tolist() == [[1 / 3]]  # one pixel in both, three in either
    assert found.chance_iou().item() == pytest.approx(1 / 3)  # halves: .25 / (.5 + .5 - .25)


def test_an_empty_union_is_0_and_a_unit_at_its_threshold_is_off() -> None:
    maps = torch.full((1, 1, 2, 2), 0.5).half()
    found = overlap_of(maps, torch.tensor([0.5]), torch.zeros(1, 2, 2, dtype=torch.bool))
    assert found.on.tolist() == [[0]]
    assert found.iou().tolist() == [[0.0]]
    assert found.chance_iou().tolist() == [[0.0]]


def test_chance_is_what_independent_masks_score_on_average() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(400, 1, 32, 32, generator=generator).half()
    masks = torch.rand(400, 32, 32, generator=generator) > 0.8
    found = overlap_of(maps, torch.tensor([0.7]), masks)  # areas .3 and .2: .06 / .44
    assert found.iou().mean().item() == pytest.approx(0.06 / 0.44, abs=0.003)
    assert found.chance_iou().mean().item() == pytest.approx(0.06 / 0.44, abs=0.003)
