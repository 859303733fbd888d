from __future__ import annotations

import torch

from demo.domain.differences import areas, difference, truth_masks


def pair(row: int, col: int, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    clean = torch.zeros(1, 3, 6, 6, dtype=torch.uint8)
    broken = clean.clone()
    broken[:, :, row, col] = step
    return broken, clean


def test_the_difference_is_in_the_signed_range_and_has_no_direction() -> None:
    broken, clean = pair(2, 2, 255)
    assert difference(broken, clean)[0, 2, 2] == 2
    assert torch.equal(difference(clean, broken), difference(broken, clean))
    broken[:, 1:] = 0  # one colour of three
    assert torch.isclose(difference(broken, clean)[0, 2, 2], torch.tensor(2 / 3))


def test_a_full_change_of_one_pixel_marks_its_nine_neighbours() -> None:
    masks = truth_masks(*pair(2, 2, 255), 0.15)  # 2 / 9 = .22
    assert masks.sum() == 9
    assert masks[0, 1:4, 1:4].all()
    assert areas(masks)[0] == 9 / 36


def test_a_small_change_is_no_artifact_but_counts_more_in_a_corner() -> None:
    # 120 / 127.5 = .94: over nine pixels .10, over the four of a corner .24, the six of an edge .16
    assert truth_masks(*pair(2, 2, 120), 0.15).sum() == 0
    assert truth_masks(*pair(0, 0, 120), 0.15).sum() == 3
