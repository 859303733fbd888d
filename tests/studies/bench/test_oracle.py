from __future__ import annotations

import numpy as np
import pytest
import torch
from small_generator import small_generator

from artifact_units.images.latents import latents_of
from artifact_units.layers import placing
from demo.domain.planting import Planted, plant
from demo.domain.surges import plant_surges
from studies.bench.oracle import Oracle, Treatment, ablation

IDS = np.arange(24)
LATENTS = latents_of(range(100), 8)


def oracle_of(planted: Planted) -> Oracle:
    clean = torch.cat(list(placing.sample(planted.clean, IDS, 24)))
    return Oracle(planted.broken, planted.clean, planted.units, IDS, clean)


def test_a_treatment_scales_and_then_limits() -> None:
    maps = torch.tensor([4.0, 4.0, 4.0])[None, :, None, None]
    treated = Treatment((0, 2), (0.5, 1.0), (torch.inf, 3.0))(maps)
    assert treated.flatten().tolist() == [2.0, 4.0, 3.0]


def test_silent_units_at_zero_are_clean_and_the_oracle_leaves_it_at_that() -> None:
    oracle = oracle_of(plant(small_generator(), LATENTS, seed=0))
    assert oracle.error(ablation(oracle.units)) == 0
    assert oracle.best() == ablation(oracle.units)


def test_leaking_units_are_held_at_the_highest_that_they_are_in_the_clean_generator() -> None:
    oracle = oracle_of(plant(small_generator(), LATENTS, seed=0, slope=0.2))
    best = oracle.best()
    assert oracle.error(best) == 0
    assert oracle.error(ablation(oracle.units)) > 0
    assert all(limit <= 0 for t in best.values() for limit in t.limits)


@pytest.fixture(scope="module")
def hard() -> Oracle:
    return oracle_of(plant_surges(small_generator(), LATENTS, 0, layers=[2, 4], count=2))


def test_units_with_content_cannot_be_ablated_for_nothing_and_not_wholly_repaired(hard) -> None:
    untouched = {
        layer: Treatment(tuple(own), (1.0,) * len(own), (torch.inf,) * len(own))
        for layer, own in hard.units.items()
    }
    broken, best = hard.error(untouched), hard.error(hard.best())
    assert 0 < best < broken
    assert best < hard.error(ablation(hard.units))


def test_the_oracle_is_the_same_each_time(hard) -> None:
    assert hard.best() == hard.best()
