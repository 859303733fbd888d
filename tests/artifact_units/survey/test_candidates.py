"""What is tried: sets first, then units, each in three ways; no set twice; no more than asked."""

from __future__ import annotations

import pytest
import torch
from small_survey import ranking

from artifact_units.errors import UserError
from artifact_units.layers.edits import Clip, Scale
from artifact_units.survey.candidates import WAYS, Candidate, candidates

LAYERS = ["layer1", "layer2"]
RANKINGS = {"forward": ranking([0, 1, 2, 3]), "backward": ranking([3, 2, 1, 0])}


def test_sets_of_each_layer_and_of_all_come_before_single_units() -> None:
    found, left_out = candidates(RANKINGS, LAYERS, [2], 1000)
    first, alone = (0, 1), (2, 3)
    sets = [
        (("layer1", first),),
        (("layer2", first),),
        (("layer1", first), ("layer2", first)),
        (("layer1", alone),),
        (("layer2", alone),),
        (("layer1", alone), ("layer2", alone)),
    ]
    assert [c.units for c in found[:18:3]] == sets
    assert [c.way for c in found[:3]] == list(WAYS)
    assert [c.proposed for c in found[:18:9]] == ["forward", "backward"]
    assert {c.units for c in found[18:]} == {((n, (u,)),) for n in LAYERS for u in range(4)}
    assert len(found) == 3 * (6 + 8)
    assert left_out == 0


def test_a_set_that_two_rankings_propose_is_tried_once() -> None:
    found, _ = candidates({"a": ranking([0, 1, 2, 3]), "b": ranking([1, 0, 3, 2])}, LAYERS, [2], 99)
    assert len({(c.units, c.way) for c in found}) == len(found)
    assert found[0].proposed == "a, b"


def test_units_that_no_ranking_puts_high_are_left_out_first() -> None:
    found, left_out = candidates({"a": ranking([2, 0, 1, 3])}, ["layer1"], [4], 9)
    assert [c.units for c in found[::3]] == [
        (("layer1", (0, 1, 2, 3)),),
        (("layer1", (2,)),),
        (("layer1", (0,)),),
    ]
    assert left_out == 3 * 5 - 9


def test_a_candidate_is_off_in_the_usual_range_or_up() -> None:
    units = (("layer1", (1, 3)),)

    def ranges(layer):
        assert layer == "layer1"
        return torch.tensor([0.0, 0.5, 0.0, 0.25]), torch.tensor([9.0, 1.5, 9.0, 1.25])

    made = [Candidate(units, way, "").correction(ranges, 3.0).layers["layer1"] for way in WAYS]
    assert made == [
        Scale((1, 3), (0.0, 0.0)),
        Clip((1, 3), (0.5, 0.25), (1.5, 1.25)),
        Scale((1, 3), (3.0, 3.0)),
    ]


def test_a_layer_without_scores_is_said_with_those_that_there_are() -> None:
    with pytest.raises(
        UserError, match="layer9 has no scores by forward; there are layer1, layer2"
    ):
        candidates(RANKINGS, ["layer9"], [1], 10)
