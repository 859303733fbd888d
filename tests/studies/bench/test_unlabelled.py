"""The curve of the per-unit FID over unlabelled generations."""

from __future__ import annotations

import numpy as np
import pytest
from small_bench import TINY

from artifact_units.evaluation.truth import chance_precision
from studies.bench.stand import stand_of
from studies.bench.unlabelled import curve


def test_of_all_generations_every_unit_is_equal_and_the_precision_that_of_chance() -> None:
    stand = stand_of("easy", 0, TINY)
    found = curve(stand, [40, 80], [0.1, 1.0])
    assert found.shape == (2, 2, 2)
    units = stand.planted.units
    sizes = [stand.featuremaps[layer].shape[1] for layer in units]
    chance = [chance_precision(n, len(own)) for n, own in zip(sizes, units.values(), strict=True)]
    assert found[:, 1, 0] == pytest.approx(np.mean(chance))
    assert (found[:, 0, 0] != found[:, 1, 0]).all()
