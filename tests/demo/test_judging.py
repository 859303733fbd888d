from __future__ import annotations

import dataclasses

import pytest
import torch
from small_generator import small_generator

from artifact_units.errors import UserError
from artifact_units.images.latents import latents_of
from demo.domain.judging import Bounds, Judgement, first_accepted, judge
from demo.domain.planting import Planted, plant

BOUNDS = Bounds(0.2, 0.45, 0.85, mask_difference=0.05, area=0.01)


@pytest.fixture(scope="module")
def planted() -> Planted:
    return plant(small_generator(), latents_of(range(100), 8), seed=0)


def test_a_layer_that_holds_every_planted_unit_recovers_everything(planted) -> None:
    # As if one layer's units were all that were planted: the rest is broken in both twins.
    broken = planted.broken
    clean = dataclasses.replace(planted.clean)
    for layer, units in planted.units.items():
        if layer != "layer4":
            broken.module(layer).get_parameter("weight")[units] = 0
            broken.module(layer).get_parameter("bias")[units] = 0
    only = Planted(broken, clean, {"layer4": planted.units["layer4"]})
    judgement = judge(only, range(100), 50, 0.01, 0.0)
    assert judgement.recovery == {"layer4": 1.0}
    assert not judgement.within(BOUNDS)


def test_a_planting_without_an_artifact_recovers_nothing(planted) -> None:
    same = Planted(planted.clean, planted.clean, planted.units)
    judgement = judge(same, range(10), 5, 0.15, 0.015)
    assert judgement == Judgement(0.0, {})
    assert not judgement.within(BOUNDS)


@pytest.mark.parametrize(
    ("fraction", "recovery", "accepted"),
    [(0.3, 0.6, True), (0.19, 0.6, False), (0.46, 0.6, False), (0.3, 0.86, False)],
)
def test_a_planting_is_accepted_within_all_bounds_only(fraction, recovery, accepted) -> None:
    judgement = Judgement(fraction, {"layer4": 0.4, "layer6": recovery})
    assert judgement.within(BOUNDS) is accepted


def test_the_first_seed_within_bounds_is_taken_and_every_try_is_told() -> None:
    told: list[str] = []
    wide = Bounds(0.0, 1.0, 1.0, mask_difference=0.01, area=0.0)
    planted = first_accepted(small_generator(), range(5, 9), wide, 100, told.append)
    assert len(told) == 1
    assert told[0].startswith("seed 5: ")
    expected = plant(small_generator(), latents_of(range(4_000_000, 4_000_200), 8), 5)
    assert planted.units == expected.units


def test_where_no_seed_is_accepted_one_line_says_what_to_do() -> None:
    never = Bounds(0.99, 1.0, 1.0, mask_difference=0.15, area=0.015)
    with pytest.raises(UserError, match=r"seeds 0 … 1 .* raise plant_defects.tries"):
        first_accepted(small_generator(), range(2), never, 100, lambda _: None)


def test_a_judgement_depends_on_no_batch() -> None:
    planted = plant(small_generator(), latents_of(range(100), 8), seed=1)
    with torch.no_grad():
        one, other = (judge(planted, range(60), batch, 0.01, 0.0) for batch in (60, 25))
    assert one == other
