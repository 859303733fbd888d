"""Damage that nobody aims: what is left of the weights, and which units' restoration helps."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from artifact_units.images.latents import PLANTING
from studies.bench.damage import damaged, helpful, pruned, quantised
from studies.bench.settings import Settings
from studies.bench.stand import shipped

IDS = np.arange(PLANTING, PLANTING + 20)


def weights(generator, layer: str = "layer4") -> torch.Tensor:
    return generator.network.get_parameter(f"{layer}.weight").detach()


def test_a_quantised_filter_has_no_more_values_than_its_bits_and_is_right_on_average() -> None:
    whole = weights(shipped())
    rounded = [weights(quantised(shipped(), 4, seed)) for seed in range(40)]
    assert max(len(filter_.unique()) for filter_ in rounded[0]) <= 16
    assert not torch.equal(rounded[0], rounded[1])
    assert torch.equal(rounded[0], weights(quantised(shipped(), 4, 0)))
    step = whole.abs().amax((1, 2, 3), keepdim=True) / 7
    assert ((rounded[0] - whole).abs() <= step * 1.001).all()
    assert ((torch.stack(rounded).mean(0) - whole).abs() / step).mean() < 0.1


def test_pruning_takes_the_smallest_weights_and_leaves_the_others() -> None:
    whole, left = weights(shipped()), weights(pruned(shipped(), 0.2))
    gone = left == 0
    assert gone.double().mean() == pytest.approx(0.2, abs=1e-3)
    assert whole[gone].abs().max() < whole[~gone].abs().min()
    assert torch.equal(left[~gone], whole[~gone])


def test_the_unit_that_was_damaged_alone_is_the_one_whose_restoration_helps() -> None:
    broken = copy.deepcopy(shipped())
    with torch.no_grad():
        weights(broken, "layer5")[7] *= -3
    assert helpful(broken, shipped(), IDS) == {"layer5": [7]}


def test_where_nothing_is_damaged_more_than_the_rest_no_unit_is_true() -> None:
    assert helpful(shipped(), shipped(), IDS) == {}


def test_a_third_of_the_generations_is_labelled_artifact() -> None:
    stand = damaged(pruned(shipped(), 0.2), Settings(labelled=120))
    _, seen = stand.labelled
    assert 0.15 < seen.artifact.mean() < 0.5
