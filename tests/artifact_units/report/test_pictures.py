"""Outlines, heat and data URIs, on pictures small enough to draw on paper."""

from __future__ import annotations

import base64
import io

import numpy as np
import torch
from PIL import Image

from artifact_units.report.pictures import GAP, LARGEST, data_uri, heated, montage, outline


def test_one_pixel_has_four_sides() -> None:
    mask = torch.zeros(4, 4, dtype=torch.bool)
    mask[1, 2] = True
    assert outline(mask) == "M2 1h1M2 2h1M2 1v1M3 1v1"


def test_a_full_mask_is_outlined_at_the_picture_s_border() -> None:
    assert outline(torch.ones(2, 3, dtype=torch.bool)) == "M0 0h3M0 2h3M0 0v2M3 0v2"


def test_a_hole_is_outlined_too() -> None:
    mask = torch.ones(3, 3, dtype=torch.bool)
    mask[1, 1] = False
    assert "M1 1h1" in outline(mask)
    assert "M2 1v1" in outline(mask)


def test_an_empty_mask_has_no_outline() -> None:
    assert outline(torch.zeros(3, 3, dtype=torch.bool)) == ""


def test_a_data_uri_holds_the_very_pixels() -> None:
    picture = torch.from_numpy(np.random.RandomState(0).randint(0, 256, (3, 5, 5), np.uint8))
    head, data = data_uri(picture).split(",")
    assert head == "data:image/png;base64"
    back = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    assert (back.transpose(2, 0, 1) == picture.numpy()).all()


def test_a_large_picture_is_reduced() -> None:
    data = data_uri(torch.zeros(3, 1024, 1024, dtype=torch.uint8)).split(",")[1]
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (LARGEST, LARGEST)


def test_where_it_is_hot_the_picture_is_lighter() -> None:
    heat = torch.tensor([[0.0, 0.5, 1.0]])
    lightness = heated(torch.full((3, 1, 3), 100, dtype=torch.uint8), heat).float().mean(0)[0]
    assert lightness[0] < lightness[1] < lightness[2]


def test_a_montage_has_its_rows_under_each_other_with_white_between() -> None:
    black, grey = torch.zeros(3, 3, 2, 2), torch.full((3, 3, 2, 2), 100)
    whole = np.asarray(Image.open(io.BytesIO(montage([black.byte(), grey.byte()], px=8))))
    assert whole.shape == (8 + GAP + 8, 3 * 8 + 2 * GAP, 3)
    assert [int(whole[y, 0, 0]) for y in (7, 8, 8 + GAP)] == [0, 255, 100]
    assert [int(whole[0, x, 0]) for x in (7, 8, 8 + GAP)] == [0, 255, 0]
