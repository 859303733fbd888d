from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from halves import halves
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.torch import save_file
from torch.nn import functional as F

from artifact_units.classifier.heatmaps import masks_from
from artifact_units.classifier.masks import MasksOnDemand
from artifact_units.units import overlap
from artifact_units.units.featuremaps import open_featuremaps
from artifact_units.units.overlap import overlap_of


def upsampled(grid: np.ndarray, height: int, width: int) -> np.ndarray:
    """The definition (``overlap``) pixel by pixel, in NumPy's float32 scalars."""
    rows, cols = grid.shape
    large = np.zeros((height, width), np.float32)
    for y, x in np.ndindex(height, width):
        top, dy = divmod(max(Fraction((2 * y + 1) * rows - height, 2 * height), Fraction(0)), 1)
        left, dx = divmod(max(Fraction((2 * x + 1) * cols - width, 2 * width), Fraction(0)), 1)
        low, right = min(top + 1, rows - 1), min(left + 1, cols - 1)
        dy, dx = np.float32(float(dy)), np.float32(float(dx))
        first = grid[top, left] + dy * (grid[low, left] - grid[top, left])
        second = grid[top, right] + dy * (grid[low, right] - grid[top, right])
        large[y, x] = first + dx * (second - first)
    return large


def by_pixels(maps: np.ndarray, thresholds: np.ndarray, masks: np.ndarray) -> list[list[list[int]]]:
    """``[on and mask, on]`` of every image and unit, counted one pixel at a time."""
    counts = []
    for units, mask in zip(maps.astype(np.float32), masks, strict=True):
        ons = [upsampled(g, *mask.shape) > t for g, t in zip(units, thresholds, strict=True)]
        counts.append([[int((on & mask).sum()), int(on.sum())] for on in ons])
    return counts


def by_loops(maps: np.ndarray, thresholds: np.ndarray, masks: np.ndarray) -> list[list[list[int]]]:
    tensors = [torch.from_numpy(a) for a in (maps, thresholds, masks)]
    found = overlap_of(*tensors)
    assert found.mask.tolist() == masks.sum((1, 2)).tolist()
    return torch.stack([found.intersection, found.on], 2).tolist()


def by_tensors(maps, thresholds, masks) -> list[list[list[int]]]:
    tensors = [torch.from_numpy(a) for a in (maps, thresholds, masks)]
    return overlap._by_tensors(*tensors).tolist()


def by_kernel(maps, thresholds, masks) -> list[list[list[int]]]:
    """What a GPU counts, by Triton's interpreter."""
    tensors = [torch.from_numpy(a) for a in (maps, thresholds, masks)]
    return overlap._by_kernel(*tensors).tolist()


# Few distinct values, so that many lie at the threshold; and the whole range of half precision.
few = st.sampled_from([-2.0, -0.5, 0.0, 2.0**-24, 0.5, 0.1, 0.3, 65504.0, -65504.0])
either = st.one_of(few, halves)
grids = st.tuples(st.integers(1, 5), st.integers(1, 5))
large = st.tuples(st.integers(1, 13), st.integers(1, 13))


@settings(max_examples=60, deadline=None)
@given(st.data(), grids, large)
def test_both_ways_count_exactly_what_the_definition_says_pixel_by_pixel(data, grid, px) -> None:
    """Grids that are not square, that are enlarged, as large as the mask, and larger than it."""
    values = data.draw(hnp.arrays(np.float16, (2, 2, *grid), elements=either))
    masks = data.draw(hnp.arrays(np.bool_, (2, *px)))
    thresholds = values[0, :, 0, 0].astype(np.float32)  # values that occur: a quantile is one
    expected = by_pixels(values, thresholds, masks)
    assert by_loops(values, thresholds, masks) == expected
    assert by_tensors(values, thresholds, masks) == expected


@settings(max_examples=12, deadline=None)
@given(st.data(), grids, large)
def test_the_kernel_of_a_gpu_counts_the_same(data, grid, px) -> None:
    values = data.draw(hnp.arrays(np.float16, (2, 2, *grid), elements=either))
    masks = data.draw(hnp.arrays(np.bool_, (2, *px)))
    thresholds = values[0, :, 0, 0].astype(np.float32)
    expected = by_loops(values, thresholds, masks)
    assert by_kernel(values, thresholds, masks) == expected


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.float16, grids, elements=either), large)
def test_no_pixel_leaves_the_range_of_its_featuremap(grid, px) -> None:
    # What makes it right to skip the pixels between values that are all on one side.
    pixels = upsampled(grid.astype(np.float32), *px)
    assert grid.min() <= pixels.min()
    assert pixels.max() <= grid.max()


@pytest.mark.parametrize(("size", "px"), [(4, 64), (32, 64), (16, 16), (64, 16), (7, 100)])
def test_larger_grids_are_counted_alike_by_loops_and_by_tensors(size, px) -> None:
    stream = np.random.default_rng(size)
    values = stream.standard_normal((3, 5, size, size)).astype(np.float16)
    masks = stream.random((3, px, px)) > 0.8
    for q in (0.5, 0.95):
        thresholds = np.quantile(values, q, (0, 2, 3), method="inverted_cdf").astype(np.float32)
        assert by_loops(values, thresholds, masks) == by_tensors(values, thresholds, masks)


def test_the_pixels_are_those_of_bilinear_interpolation_with_half_pixel_centres() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 8, 7, 7, generator=generator).half().float()
    ours = overlap._upsampled(overlap._upsampled(maps, 2, 40), 3, 33)
    torchs = F.interpolate(maps, size=(40, 33), mode="bilinear", align_corners=False)
    assert torch.allclose(ours, torchs, rtol=1e-5, atol=1e-5)


def test_counts_do_not_depend_on_how_many_images_are_taken_at_once(monkeypatch) -> None:
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(7, 5, 4, 4, generator=generator).half()
    masks = torch.rand(7, 9, 9, generator=generator) > 0.7
    thresholds = torch.linspace(-1, 1, 5)
    whole = overlap_of(maps, thresholds, masks)
    assert whole.on.dtype == torch.int64
    for images in (1, 2, 3):
        monkeypatch.setattr(overlap, "CHUNK", images * 81)
        parts = overlap_of(maps, thresholds, masks)
        assert torch.equal(parts.on, whole.on)
        assert torch.equal(parts.intersection, whole.intersection)
    iou, chance = whole.iou(), whole.chance_iou()
    monkeypatch.setattr(overlap, "AT_ONCE", 2)
    assert torch.equal(whole.iou(), iou)
    assert torch.equal(whole.chance_iou(), chance)


def test_masks_and_maps_that_are_not_in_memory_are_counted_as_those_that_are(tmp_path) -> None:
    stream = torch.Generator().manual_seed(0)
    maps = torch.randn(5, 3, 4, 4, generator=stream).half()
    save_file({"ids": torch.arange(5), "layer1": maps}, tmp_path / "00000.safetensors")
    heatmaps = torch.rand(5, 2, 2, generator=stream)
    cpu, thresholds = torch.device("cpu"), torch.zeros(3)
    stored = open_featuremaps(tmp_path, "layer1", cpu)
    found = overlap_of(stored, thresholds, MasksOnDemand.of(heatmaps, 0.5, 9, cpu))
    expected = overlap_of(maps, thresholds, masks_from(heatmaps, 0.5, 9))
    assert torch.equal(found.intersection, expected.intersection)
    assert torch.equal(found.mask, expected.mask)


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
