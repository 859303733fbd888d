from __future__ import annotations

import json

import pytest
import torch

from artifact_units.edits import Scale, describe, revive
from artifact_units.errors import UserError


def test_scale_multiplies_its_units_everywhere_and_no_other() -> None:
    maps = torch.arange(12.0).view(1, 3, 2, 2)
    edited = Scale((2, 0), (0.5, 0.0))(maps)
    assert edited[0, :, 1, 1].tolist() == [0.0, 7.0, 5.5]
    assert maps[0, :, 1, 1].tolist() == [3.0, 7.0, 11.0]  # what came in is left alone


def test_an_ablated_unit_is_plus_zero_whatever_it_was() -> None:
    maps = torch.tensor([-1.0, float("nan"), float("inf"), 2.0]).view(1, 1, 2, 2)
    edited = Scale((0,), (0.0,))(maps)
    assert edited.flatten().tolist() == [0, 0, 0, 0]
    assert not edited.signbit().any()


def test_edits_come_back_from_json_as_they_were() -> None:
    edits = {"layer1": Scale((4, 1), (0.1, 1 / 3)), "layer2": Scale((), ())}
    assert revive(json.loads(json.dumps(describe(edits)))) == edits


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "clip"}, "edit of layer1 is of kind 'clip'; there is scale"),
        ({"kind": "scale", "units": [1]}, "edit of layer1 is not a scale"),
        ({"kind": "scale", "units": [1], "factors": []}, "1 units, 0 factors"),
    ],
)
def test_a_description_that_is_no_edit_is_refused_in_one_line(fields, said) -> None:
    with pytest.raises(UserError, match=said):
        revive({"layer1": fields})
