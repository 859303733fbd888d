from __future__ import annotations

import numpy as np
import pytest
import torch

from artifact_units.evaluation.changes import changes_between

BLACK = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
MASK = torch.tensor([[[True, False], [False, False]]])


def with_values(**places: int) -> torch.Tensor:
    """The black image with single values set: r00=255 is red at row 0, column 0."""
    image = BLACK.clone()
    for place, value in places.items():
        image[0, "rgb".index(place[0]), int(place[1]), int(place[2])] = value
    return image


def test_change_is_told_apart_inside_and_outside_the_mask() -> None:
    after = with_values(r00=255, g01=51)
    found = changes_between(BLACK, after, MASK, None)
    # One of three colours of the one pixel inside; a fifth of one of nine values outside.
    assert found.inside == pytest.approx([1 / 3])
    assert found.outside == pytest.approx([0.2 / 9])
    assert found.changed == pytest.approx([2 / 4])


def test_psnr_by_hand() -> None:
    # Mean square of 12 values: 51^2 / 12, so 10 log10(255^2 * 12 / 51^2) = 10 log10(300).
    found = changes_between(BLACK, with_values(r00=51), MASK, None)
    assert found.psnr == pytest.approx([10 * np.log10(300)])


def test_the_psnr_of_no_change_is_that_of_one_level() -> None:
    same = changes_between(BLACK, BLACK, MASK, None).psnr
    assert np.isfinite(same).all()
    assert same == changes_between(BLACK, with_values(b11=1), MASK, None).psnr
    assert same > changes_between(BLACK, with_values(b11=2), MASK, None).psnr


def test_a_darker_value_changes_as_much_as_a_brighter_one() -> None:
    bright = with_values(r00=200)
    down = changes_between(bright, BLACK, MASK, None)
    up = changes_between(BLACK, bright, MASK, None)
    assert (down.inside, down.psnr) == (up.inside, up.psnr)


def test_no_mask_has_no_inside() -> None:
    found = changes_between(BLACK, with_values(r00=255), torch.zeros_like(MASK), None)
    assert np.isnan(found.inside).all()
    assert found.outside == pytest.approx([1 / 12])


@pytest.mark.parametrize(
    ("after", "recovery"),
    [
        (with_values(), 1.0),
        (with_values(r00=100), 0.0),
        (with_values(r00=25), 0.75),
        (with_values(r00=250), -1.5),
    ],
)
def test_pixel_recovery_by_hand(after, recovery) -> None:
    # Broken is 100 in one value, clean is black.
    found = changes_between(with_values(r00=100), after, MASK, BLACK)
    assert found.pixel_recovery == pytest.approx([recovery])


def test_pixel_recovery_of_what_was_not_broken_is_unknown() -> None:
    found = changes_between(BLACK, with_values(r00=9), MASK, BLACK)
    assert np.isnan(found.pixel_recovery).all()
