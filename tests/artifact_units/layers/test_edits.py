from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from artifact_units.errors import UserError
from artifact_units.layers.edits import (
    Calm,
    Clip,
    Scale,
    Shrink,
    Silence,
    check_edit,
    describe,
    revive,
)


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


def test_clip_holds_each_unit_within_its_own_bounds() -> None:
    maps = torch.tensor([[-3.0, 0.5, 9.0], [-3.0, 0.5, 9.0], [-3.0, 0.5, 9.0]]).view(1, 3, 1, 3)
    edited = Clip((2, 0), (0.0, -1.0), (1.0, 2.0))(maps)
    assert edited[0, :, 0].tolist() == [[-1.0, 0.5, 2.0], [-3.0, 0.5, 9.0], [0.0, 0.5, 1.0]]


def test_shrink_leaves_a_part_of_what_is_not_the_target() -> None:
    maps = torch.tensor([[4.0, 0.0], [4.0, 0.0]]).view(1, 2, 1, 2)
    edited = Shrink((1,), (0.25,), (2.0,))(maps)
    assert edited[0, :, 0].tolist() == [[4.0, 0.0], [2.5, 1.5]]


def test_calm_rescales_a_unit_of_an_image_only_where_its_mean_is_far_off() -> None:
    # Usual means 1 and deviations 1: means 5 and 2 are 4 and 1 deviations off; away is 2.
    maps = torch.tensor([[[4.0, 6.0], [1.0, 3.0]]]).view(1, 2, 1, 2)
    edited = Calm((1.0, 1.0), (1.0, 1.0), away=2.0, least=0.1)(maps)
    assert edited[0, :, 0].tolist() == [[0.5, 0.75], [1.0, 3.0]]  # divided by 2 * 4
    # Three deviations, but of a hundredth: not more than least.
    close = Calm((5.03, 2.0), (0.01, 0.0), away=2.0, least=0.1)(maps)
    assert torch.equal(close, maps)


def test_silence_takes_the_positive_values_of_its_neurons_and_leaves_the_negative() -> None:
    maps = torch.tensor([[[5.0, -5.0], [5.0, 5.0]], [[-5.0, 5.0], [5.0, 5.0]]]).view(2, 2, 1, 2)
    edit = Silence.of(np.array([[[True, True]], [[False, True]]]))
    assert edit(maps)[:, :, 0].tolist() == [
        [[0.0, -5.0], [5.0, 0.0]],
        [[-5.0, 0.0], [5.0, 0.0]],
    ]


def test_edits_come_back_from_json_as_they_were() -> None:
    edits = {
        "layer1": Scale((4, 1), (0.1, 1 / 3)),
        "layer2": Scale((), ()),
        "layer3": Clip((1,), (-0.25,), (1 / 3,)),
        "layer4": Shrink((1,), (0.5,), (-1e-9,)),
        "layer5": Calm((1.0, 2.0), (0.5, 0.0), 2.0, 0.1),
        "layer6": Silence.of(np.arange(18).reshape(2, 3, 3) % 5 == 0),
    }
    back = revive(json.loads(json.dumps(describe(edits))))
    assert back == edits
    assert np.flatnonzero(back["layer6"].bits()).tolist() == [0, 5, 10, 15]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "mend"}, "edit of layer1 is of kind 'mend'; there is scale, clip, shrink"),
        ({"kind": "scale", "units": [1]}, "edit of layer1 is not a scale"),
        ({"kind": "scale", "units": [1], "factors": []}, "1 units, 0 factors"),
        ({"kind": "clip", "units": [1], "low": [2.0], "high": [1.0]}, "a low is above its high"),
        ({"kind": "shrink", "units": [1], "factors": [1.0], "targets": []}, "1 units, 0 targets"),
        ({"kind": "silence", "shape": [1, 3, 3], "neurons": "00"}, "no bit for each of"),
        ({"kind": "silence", "shape": [1, 1, 1], "neurons": "xy"}, "not a silence"),
        ([], r"edit of layer1 is \[\]; it takes a kind and its fields"),
        ({"kind": ["scale"]}, r"edit of layer1 is of kind \['scale'\]"),
        (
            {"kind": "scale", "units": [1], "factors": ["q"]},
            r"edit of layer1: factors is \['q'\]; it takes a list of numbers$",
        ),
        (
            {"kind": "scale", "units": "ab", "factors": [1.0, 2.0]},
            "edit of layer1: units is 'ab'; it takes a list of whole numbers$",
        ),
        ({"kind": "scale", "units": [1.5], "factors": [1.0]}, "units is "),
        ({"kind": "scale", "units": [True], "factors": [1.0]}, "units is "),
        ({"kind": "scale", "units": [1], "factors": [float("nan")]}, "factors is "),
        ({"kind": "calm", "means": [], "deviations": [], "away": "2", "least": 0}, "a number$"),
        ({"kind": "silence", "shape": [1, 1], "neurons": "00"}, "list of three whole numbers$"),
        ({"kind": "silence", "shape": [1, 1, 1], "neurons": 0}, "neurons is 0; it takes text$"),
    ],
)
def test_a_description_that_is_no_edit_is_refused_in_one_line(fields, said) -> None:
    with pytest.raises(UserError, match=said):
        revive({"layer1": fields})


def test_an_edit_of_another_layer_is_refused() -> None:
    check_edit("layer1", Scale((3,), (0.0,)), (4, 2, 2))
    with pytest.raises(UserError, match="layer1 has units 0 … 3; no unit 4"):
        check_edit("layer1", Clip((4,), (0.0,), (1.0,)), (4, 2, 2))
    with pytest.raises(UserError, match=r"layer1 is \[4, 2, 2\]; its edit is for \[3, 2, 2\]"):
        check_edit("layer1", Calm((0.0,) * 3, (1.0,) * 3, 2.0, 0.1), (4, 2, 2))
    with pytest.raises(UserError, match="the edit of layer1 names a unit twice; name each once"):
        check_edit("layer1", Scale((1, 1), (0.0, 1.0)), (4, 2, 2))
    with pytest.raises(UserError, match=r"its edit is for \[4, 1, 2\]"):
        check_edit("layer1", Silence.of(np.zeros((4, 1, 2), bool)), (4, 2, 2))
