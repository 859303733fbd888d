from __future__ import annotations

import numpy as np
import pytest
import torch

from artifact_units.evaluation.gaussians import BLOCK, Gaussian, Resampled, distance
from artifact_units.metrics.frechet import measure

RANDOM = torch.Generator().manual_seed(3)


@pytest.mark.parametrize("reals", [9, 40])  # fewer and more than features
@pytest.mark.parametrize("features", [1, 12])
def test_a_root_times_itself_is_the_covariance(reals, features) -> None:
    drawn = torch.randn(reals, features, generator=RANDOM) + 5
    fitted = Gaussian.of(drawn)
    covariance = np.atleast_2d(np.cov(drawn.double().numpy(), rowvar=False))
    assert fitted.root @ fitted.root.T == pytest.approx(covariance, rel=1e-12, abs=1e-12)
    assert fitted.trace == pytest.approx(np.trace(covariance), rel=1e-12)
    assert np.array_equal(fitted.root, np.tril(fitted.root))


# Fewer images than features, more, and more features than are turned at once: three ways inside.
@pytest.mark.parametrize(("images", "features"), [(5, 12), (30, 12), (BLOCK + 60, BLOCK + 40)])
def test_a_set_measured_once_is_at_the_published_distance(images, features) -> None:
    real = torch.randn(2 * features, features, generator=RANDOM)
    generated = torch.randn(images, features, generator=RANDOM) * 2 + 1
    found = distance(Gaussian.of(real), generated)
    assert found == pytest.approx(measure(real, generated)["frechet"], rel=1e-6)
    once = Resampled(Gaussian.of(real), generated).distance(np.ones(images, np.int64))
    assert found == pytest.approx(once, rel=1e-12)


def test_a_distance_is_right_where_the_reals_do_not_span_the_features() -> None:
    # What two covariances share is the sum of the singular values of their images' product.
    real, generated = (torch.randn(n, 12, generator=RANDOM).double() for n in (8, 30))
    centred = [(some - some.mean(0)) / np.sqrt(len(some) - 1) for some in (real, generated)]
    shared = torch.linalg.svdvals(centred[0] @ centred[1].T).sum()
    spread = sum(some.square().sum() for some in centred) - 2 * shared
    expected = float((real.mean(0) - generated.mean(0)).square().sum() + spread)
    assert distance(Gaussian.of(real), generated) == pytest.approx(expected, rel=1e-6)
