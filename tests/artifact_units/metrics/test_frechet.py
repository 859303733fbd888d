from __future__ import annotations

import numpy as np
import pytest
import torch

from artifact_units.metrics.frechet import measure, resample

RANDOM = torch.Generator().manual_seed(5)
REAL = torch.randn(40, 6, generator=RANDOM)


def test_a_shifted_copy_is_as_far_as_the_shift_squared() -> None:
    shift = torch.tensor([3.0, 4.0, 0, 0, 0, 0])
    assert measure(REAL, REAL + shift)["frechet"] == pytest.approx(25, rel=1e-4)


def test_a_set_is_at_no_distance_from_itself() -> None:
    assert measure(REAL, REAL)["frechet"] == pytest.approx(0, abs=1e-5)


def test_independent_gaussians_have_the_distance_of_their_deviations() -> None:
    # Variances by hand: 2/3 * 4 = 8/3 and a quarter of it, the other feature constant.
    wide = torch.tensor([[2.0, 0], [-2, 0], [2, 0], [-2, 0]])
    narrow = wide / 2
    variance = 16 / 3
    expected = (np.sqrt(variance) - np.sqrt(variance / 4)) ** 2
    assert measure(wide, narrow)["frechet"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("images", [5, 30])  # fewer and more than features: two ways inside
def test_a_resampling_is_the_metric_of_the_images_repeated(images) -> None:
    generated = torch.randn(images, 12, generator=RANDOM) * 2 + 1
    real = torch.randn(50, 12, generator=RANDOM)
    counts = np.random.default_rng(0).multinomial(images, np.full(images, 1 / images), size=3)
    for count, value in zip(counts, resample(real, generated, counts)["frechet"], strict=True):
        repeated = generated[np.repeat(np.arange(images), count)]
        assert value == pytest.approx(measure(real, repeated)["frechet"], rel=1e-5)


def test_a_resampling_is_right_where_the_reals_do_not_span_the_features() -> None:
    # Eight reals of twelve features: their covariance has no Cholesky factor.
    generated, real = torch.randn(30, 12, generator=RANDOM), torch.randn(8, 12, generator=RANDOM)
    (value,) = resample(real, generated, np.ones((1, 30), dtype=np.int64))["frechet"]
    assert value == pytest.approx(measure(real, generated)["frechet"], rel=1e-4)
