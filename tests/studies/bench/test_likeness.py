from __future__ import annotations

import torch

from studies.bench.likeness import dissimilarity

NOWHERE = torch.zeros(1, 64, 64, dtype=torch.bool)


def noise(seed: int) -> torch.Tensor:
    stream = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (1, 3, 64, 64), generator=stream).to(torch.uint8)


def test_an_image_is_not_unlike_itself() -> None:
    assert dissimilarity(noise(0), noise(0), NOWHERE).tolist() == [0.0]


def test_two_noises_are_about_half_unlike() -> None:
    # No structure is shared: SSIM is near 0, but for the mean luminance, which both have.
    assert 0.4 < float(dissimilarity(noise(0), noise(1), NOWHERE)) < 0.55


def test_an_inverted_image_is_more_unlike_than_another_one() -> None:
    inverted = float(dissimilarity(noise(0), 255 - noise(0), NOWHERE))
    assert inverted > float(dissimilarity(noise(0), noise(1), NOWHERE))


def test_what_changes_deep_inside_the_mask_counts_nowhere() -> None:
    mask, changed = NOWHERE.clone(), noise(0)
    mask[:, 8:56, 8:56] = True
    changed[:, :, 31:33, 31:33] = 0
    assert float(dissimilarity(changed, noise(0), mask)) < 1e-3
    assert float(dissimilarity(changed, noise(0), ~mask)) > 1e-3


def test_a_shift_of_brightness_is_less_unlike_than_a_blur() -> None:
    ramp = torch.arange(64).repeat(64, 1).float() * 2
    stripes = (ramp + 60 * (torch.arange(64) % 8 < 4)).expand(1, 3, 64, 64)
    brighter = dissimilarity(stripes.to(torch.uint8), (stripes + 8).to(torch.uint8), NOWHERE)
    flat = torch.nn.functional.avg_pool2d(stripes, 9, 1, 4, count_include_pad=False)
    blurred = dissimilarity(stripes.to(torch.uint8), flat.to(torch.uint8), NOWHERE)
    assert float(brighter) < 0.1 * float(blurred)
