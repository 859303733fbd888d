from __future__ import annotations

import pytest
import torch
from small_generator import small_generator

from artifact_units.errors import UserError
from artifact_units.generators import as_generator
from artifact_units.generators.pggan import PGGAN
from artifact_units.images.latents import latents_of
from artifact_units.layers.edits import Scale
from artifact_units.layers.hooks import edited, recorded
from artifact_units.shapes import Featuremaps
from demo.domain.patterns import RATE
from demo.domain.planting import Chain, chains_of, plant
from demo.domain.surges import plant_surges
from demo.domain.widening import widened

LATENTS = latents_of(range(100), 8)


def ablation(units: dict[str, list[int]]) -> dict[str, Scale]:
    return {layer: Scale(tuple(u), (0.0,) * len(u)) for layer, u in units.items()}


def capping(units: list[int]):
    def cap(maps: Featuremaps) -> Featuremaps:
        capped = maps.clone()
        capped[:, units] = maps[:, units].clamp(max=0)
        return capped

    return cap


def test_ablating_all_planted_units_gives_the_clean_twin_bit_for_bit() -> None:
    planted = plant(small_generator(), LATENTS, seed=0)
    with torch.no_grad(), edited(planted.broken, ablation(planted.units)):
        assert torch.equal(planted.broken(LATENTS), planted.clean(LATENTS))


def test_where_no_detector_fires_a_generation_is_the_clean_one_bit_for_bit() -> None:
    planted = plant(small_generator(), LATENTS, seed=0)
    detectors = ["layer2", "layer4"]
    with torch.no_grad(), recorded(planted.broken, detectors) as maps:
        broken, clean = planted.broken(LATENTS), planted.clean(LATENTS)
    peaks = torch.cat([maps[d][:, planted.units[d]].flatten(1) for d in detectors], 1).amax(1)
    changed = (broken != clean).flatten(1).any(1)
    assert torch.equal(changed, peaks > 0)
    # Four detectors fire at a tenth each; a disturbance of the coarse chain may set off the fine.
    assert RATE <= changed.double().mean() <= 0.6


def test_the_clean_twin_makes_what_the_good_generator_made() -> None:
    good = small_generator()
    before = {k: v.clone() for k, v in good.network.state_dict().items()}
    planted = plant(good, LATENTS, seed=0)
    assert torch.allclose(planted.clean(LATENTS), good(LATENTS), atol=1e-5)
    after = good.network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_two_units_are_planted_into_each_of_four_layers_with_slope_0() -> None:
    planted = plant(small_generator(), LATENTS, seed=0)
    assert {layer: len(units) for layer, units in planted.units.items()} == {
        "layer2": 2, "layer3": 2, "layer4": 2, "layer5": 2
    }  # fmt: skip
    for layer in planted.broken.layers:
        slope = planted.broken.module(layer.name).get_buffer("slope")
        silent = (slope == 0).nonzero().flatten().tolist()
        assert silent == planted.units.get(layer.name, [])


def test_a_chain_of_one_layer_plants_into_that_layer_alone() -> None:
    planted = plant(small_generator(), LATENTS, 0, [Chain(3, 4, 1)])
    assert {layer: len(units) for layer, units in planted.units.items()} == {"layer3": 4}
    with torch.no_grad(), edited(planted.broken, ablation(planted.units)):
        assert torch.equal(planted.broken(LATENTS), planted.clean(LATENTS))
    assert not torch.equal(planted.broken(LATENTS), planted.clean(LATENTS))


def test_leaking_units_that_are_held_at_0_give_the_clean_twin_bit_for_bit() -> None:
    planted = plant(small_generator(), LATENTS, seed=0, slope=0.2)
    capped = {layer: capping(units) for layer, units in planted.units.items()}
    with torch.no_grad(), edited(planted.broken, capped):
        assert torch.equal(planted.broken(LATENTS), planted.clean(LATENTS))
    assert not torch.equal(planted.broken(LATENTS), planted.clean(LATENTS))


def test_leaking_units_leak_and_the_next_layer_does_not_hear_it() -> None:
    planted = plant(small_generator(), LATENTS, seed=0, slope=0.2)
    with torch.no_grad(), recorded(planted.clean, list(planted.units)) as maps:
        planted.clean(LATENTS)
    assert all((maps[k][:, units] < 0).any() for k, units in planted.units.items())
    # The next layer reads a unit and its partner alike: what leaks and what the partner says is 0.
    for k, units in planted.units.items():
        silent = planted.clean.module(k).get_buffer("slope") == 0
        assert torch.allclose(maps[k][:, silent], -maps[k][:, units], atol=1e-5)


def test_ablating_leaking_units_leaves_their_partners_alone_and_is_no_repair() -> None:
    planted = plant(small_generator(), LATENTS, seed=0, slope=0.2)
    first = {"layer3": planted.units["layer3"]}
    with torch.no_grad(), edited(planted.broken, ablation(first)):
        corrected = planted.broken(LATENTS)
    normal = (planted.broken(LATENTS) == planted.clean(LATENTS)).flatten(1).all(1)
    assert normal.any()
    assert (corrected[normal] != planted.clean(LATENTS)[normal]).any()


def test_a_surge_leaves_what_has_no_pattern_as_the_clean_twin_makes_it_bit_for_bit() -> None:
    planted = plant_surges(small_generator(), LATENTS, 0, layers=[2, 4], count=2)
    with torch.no_grad():
        broken, clean = planted.broken(LATENTS), planted.clean(LATENTS)
    changed = (broken != clean).flatten(1).any(1)
    assert RATE <= changed.double().mean() <= 0.6


def test_surging_units_carry_content_that_ablating_them_takes_away() -> None:
    good = small_generator()
    planted = plant_surges(good, LATENTS, 0, layers=[2, 4], count=2)
    with torch.no_grad():
        # Two of 14 units say half of what two others said: all is kept but for the pixel norm.
        moved = (planted.clean(LATENTS) - good(LATENTS)).abs().mean()
        with edited(planted.clean, ablation(planted.units)):
            without = planted.clean(LATENTS)
        lost = (without - planted.clean(LATENTS)).abs().flatten(1).mean(1)
    assert lost.min() > 3 * moved


def test_surges_are_planted_where_asked_and_the_good_generator_is_untouched() -> None:
    good = small_generator()
    before = {k: v.clone() for k, v in good.network.state_dict().items()}
    planted = plant_surges(good, LATENTS, 0, layers=[2, 4], count=3)
    assert {layer: len(units) for layer, units in planted.units.items()} == {
        "layer2": 3, "layer4": 3
    }  # fmt: skip
    after = good.network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_a_seed_says_which_units_are_planted_and_how() -> None:
    first, again, other = (plant(small_generator(), LATENTS, seed) for seed in (0, 0, 1))
    a, b = first.broken.network.state_dict(), again.broken.network.state_dict()
    assert first.units == again.units != other.units
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_a_widened_network_keeps_its_function() -> None:
    good = small_generator().network
    assert isinstance(good, PGGAN)
    with torch.no_grad():
        wide, places = widened(good, {3: 4, 6: 5}, torch.Generator().manual_seed(0))
        assert [len(places[k]) for k in (3, 6)] == [4, 5]
        assert torch.allclose(wide(LATENTS), good(LATENTS), atol=1e-5)


def test_the_chains_of_ten_layers_are_those_of_the_report() -> None:
    assert [chain.first for chain in chains_of(10)] == [4, 6]


def test_a_generator_of_four_layers_is_refused() -> None:
    small = as_generator(PGGAN(8, [4, 4, 4, 4]))
    with pytest.raises(UserError, match="6 layers"):
        plant(small, LATENTS, seed=0)
    with pytest.raises(UserError, match="6 layers"):
        plant_surges(small, LATENTS, 0, layers=[2], count=1)
