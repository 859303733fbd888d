import numpy as np
import pytest
import torch

from artifact_units.classifier.heatmaps import HeatmapSet, masks_from, read_heatmaps, write_heatmaps
from artifact_units.errors import UserError


def heatmap_set(ids, rows=2, cols=3):
    stream = torch.Generator().manual_seed(len(ids))
    logits = torch.randn(len(ids), 3, generator=stream)
    heatmaps = torch.rand(len(ids), rows, cols, generator=stream)
    return HeatmapSet(np.array(ids, np.int64), logits, heatmaps)


def test_a_mask_is_where_the_upsampled_heatmap_is_above_the_threshold():
    # Half-pixel bilinear x2 of the row 1 0 is 1 .75 .25 0, so above .5 is its left half.
    heatmaps = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    expected = torch.tensor([[True, True, False, False]] * 4)
    assert torch.equal(masks_from(heatmaps, 0.5, 4)[0], expected)
    assert torch.equal(masks_from(heatmaps, 0.2, 4)[0, 0], torch.tensor([True, True, True, False]))


def test_a_value_equal_to_the_threshold_is_outside_the_mask():
    assert not masks_from(torch.full((1, 2, 2), 0.5), 0.5, 4).any()


def test_an_empty_heatmap_has_an_empty_mask_even_at_threshold_zero():
    assert not masks_from(torch.zeros(2, 4, 4), 0.0, 16).any()


def test_masks_of_many_heatmaps_are_those_of_each():
    heatmaps = torch.rand(300, 3, 3, generator=torch.Generator().manual_seed(0))
    masks = masks_from(heatmaps, 0.5, 5)
    assert torch.equal(masks[299:], masks_from(heatmaps[299:], 0.5, 5))


def test_masks_of_no_heatmap_are_none():
    assert masks_from(torch.zeros(0, 4, 4), 0.5, 8).shape == (0, 8, 8)


def test_what_is_written_of_each_part_is_read_back(tmp_path):
    labelled, heldout = heatmap_set([4, 2, 7]), heatmap_set([2_000_000])
    path = tmp_path / "heatmaps.parquet"
    write_heatmaps(path, {"labelled": labelled, "heldout": heldout})
    for part, written in (("labelled", labelled), ("heldout", heldout)):
        read = read_heatmaps(path, part)
        assert read.ids.tolist() == written.ids.tolist()
        assert torch.equal(read.logits, written.logits)
        assert torch.equal(read.heatmaps, written.heatmaps)


def test_a_part_that_is_absent_is_named(tmp_path):
    write_heatmaps(tmp_path / "h.parquet", {"labelled": heatmap_set([1])})
    with pytest.raises(UserError, match="no heldout generation"):
        read_heatmaps(tmp_path / "h.parquet", "heldout")


def test_rows_are_taken_in_the_order_asked_for():
    whole = heatmap_set([4, 2, 7])
    some = whole.take([7, 4])
    assert some.ids.tolist() == [7, 4]
    assert torch.equal(some.heatmaps, whole.heatmaps[[2, 0]])
    with pytest.raises(UserError, match="generation 9 has no heatmap"):
        whole.take([7, 9])
