"""What every metric on the shelf must do, whichever there are."""

from __future__ import annotations

import inspect
import sys

import numpy as np
import pytest
import torch

from artifact_units import registry
from artifact_units.errors import UserError

OPTIONS = {"neighbours": 2, "subsets": 4, "subset_size": 6, "seed": 0}
RANDOM = torch.Generator().manual_seed(3)
REAL = torch.randn(12, 4, generator=RANDOM)
GENERATED = torch.randn(9, 4, generator=RANDOM) + 0.5
SHELF = registry.names("metrics")


def call(function, *arrays):
    taken = inspect.signature(function).parameters
    return function(*arrays, **{k: v for k, v in OPTIONS.items() if k in taken})


def fast(name):
    return getattr(sys.modules[registry.take("metrics", name).__module__], "resample", None)


@pytest.mark.parametrize("name", SHELF)
def test_a_metric_is_finite_numbers_by_name(name) -> None:
    found = call(registry.take("metrics", name), REAL, GENERATED)
    assert found
    assert all(type(value) is float and np.isfinite(value) for value in found.values())


@pytest.mark.parametrize("name", SHELF)
def test_a_metric_leaves_what_it_was_given(name) -> None:
    real, generated = REAL.clone(), GENERATED.clone()
    call(registry.take("metrics", name), real, generated)
    assert torch.equal(real, REAL)
    assert torch.equal(generated, GENERATED)


@pytest.mark.parametrize("name", SHELF)
@pytest.mark.parametrize("which", ["real", "generated"])
def test_a_feature_that_is_no_number_is_refused(name, which) -> None:
    sets = {"real": REAL.clone(), "generated": GENERATED.clone()}
    sets[which][4, 1] = float("nan")
    with pytest.raises(UserError, match=f"{which} image 4 has features that are not finite"):
        call(registry.take("metrics", name), *sets.values())


# The least numbers of real and generated images: two for a covariance, subset_size for the kernel
# distance, k + 1 where k-th neighbours are looked for, and one generation for a mean.
LEAST = {"frechet": (2, 2), "kernel": (6, 6), "precision_recall": (3, 3), "realism": (3, 1)}


@pytest.mark.parametrize("name", sorted(LEAST))
def test_the_least_images_are_enough_and_one_less_is_refused(name) -> None:
    measure, (reals, generations) = registry.take("metrics", name), LEAST[name]
    found = call(measure, REAL[:reals], GENERATED[:generations])
    assert all(np.isfinite(value) for value in found.values())
    for fewer in ((reals - 1, generations), (reals, generations - 1), (0, 0)):
        with pytest.raises(UserError, match=f"at least {reals} real and {generations} generated"):
            call(measure, REAL[: fewer[0]], GENERATED[: fewer[1]])


@pytest.mark.parametrize("name", [name for name in SHELF if fast(name)])
def test_resampling_knows_the_names_of_the_metric(name) -> None:
    counts = np.array([[1] * 9, [2, 0, 1, 1, 1, 1, 1, 1, 1]])
    found = call(fast(name), REAL, GENERATED, counts)
    assert found.keys() == call(registry.take("metrics", name), REAL, GENERATED).keys()
    assert all(values.shape == (2,) for values in found.values())


@pytest.mark.parametrize("name", sorted({"frechet", "precision_recall", "realism"} & {*SHELF}))
def test_drawing_each_image_once_is_the_metric_itself(name) -> None:
    once = call(fast(name), REAL, GENERATED, np.ones((1, 9), dtype=np.int64))
    for metric, value in call(registry.take("metrics", name), REAL, GENERATED).items():
        assert once[metric][0] == pytest.approx(value, rel=1e-5), metric
