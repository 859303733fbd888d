from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_evidence import LABELS, UNITS, evidence, ranked
from small_generator import smaller_generator

from artifact_units.corrections.correction import Correction
from artifact_units.corrections.evidence import normalised
from artifact_units.correctors import (
    ablation,
    boundary,
    clip,
    feature_proliferation,
    rare_neurons,
    rejection,
    sequential,
    shrink,
    truncation,
)
from artifact_units.errors import UserError
from artifact_units.generators.pggan import pixel_norm
from artifact_units.layers.edits import Calm, Clip, Scale, Shrink
from artifact_units.layers.hooks import edited
from artifact_units.layers.latent_edits import Move, Redraw, Truncate
from artifact_units.units.evidence import RankedLayer

LATENTS = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))


def images(correction: Correction) -> torch.Tensor:
    generator = smaller_generator()
    with edited(generator, correction.layers):
        return generator(LATENTS)


def maps_of(values: list[list[float]]) -> torch.Tensor:
    """Featuremaps of four generations, one unit, 1 x 2."""
    return torch.tensor(values).view(4, 1, 1, 2)


def alone(layer: str = "layer1") -> dict[str, RankedLayer]:
    """One layer of one unit."""
    return {layer: RankedLayer(layer, np.ones(1), np.zeros(1, int))}


def test_an_ablation_zeroes_the_top_units_of_its_layer() -> None:
    found = ablation.correct(evidence(), layer="layer2", n=2)
    assert found == Correction({"layer2": Scale((5, 4), (0.0, 0.0))})


def test_without_units_the_generator_is_reproduced_bit_for_bit() -> None:
    plain = smaller_generator()(LATENTS)
    maps = {name: torch.randn(4, units, 2, 2) for name, units in UNITS.items()}
    for made in (
        ablation.correct(evidence(), layer="layer2", n=0),
        sequential.correct(evidence(), stop=3, n=0, scale=0.5),
        clip.correct(evidence(maps), stop=3, n=0),
        shrink.correct(evidence(maps), stop=3, n=0),
    ):
        assert torch.equal(images(made), plain)


@pytest.mark.parametrize(("layer", "k"), [("layer1", 1), ("layer3", 3)])
def test_scale_0_on_one_layer_is_the_ablation_bit_for_bit(layer, k) -> None:
    one = images(ablation.correct(evidence(), layer=layer, n=3))
    assert torch.equal(images(sequential.correct(evidence(), start=k, stop=k, n=3, scale=0.0)), one)
    assert not torch.equal(one, smaller_generator()(LATENTS))


def test_sequential_weakens_the_top_units_of_every_layer_up_to_stop() -> None:
    edits = sequential.correct(evidence(), stop=3, n=2, scale=0.5).layers
    assert list(edits) == ["layer1", "layer2", "layer3"]
    first, last = edits["layer1"], edits["layer3"]
    assert isinstance(first, Scale)
    assert isinstance(last, Scale)
    # Scores 1 and 5/6, so 0.5 * (1 - 1) and 0.5 * (1 - 5/6).
    assert first.units == (5, 4)
    assert first.factors == pytest.approx((0.0, 1 / 12))
    assert last.units == (3, 2)
    assert last.factors == pytest.approx((0.0, 1 / 8))  # 0.5 * (1 - 3/4)


def test_sequential_multiplies_what_the_layers_before_have_already_corrected() -> None:
    generator = smaller_generator()
    found = sequential.correct(evidence(), stop=3, n=2, scale=0.8)
    flow = LATENTS[:, :, None, None]
    for name in ("layer1", "layer2", "layer3"):
        edit = found.layers[name]
        assert isinstance(edit, Scale)
        flow = generator.module(name)(flow)
        for unit, factor in zip(edit.units, edit.factors, strict=True):
            flow[:, unit] *= factor  # Algorithm 1, line by line
    flow = generator.module("layer4")(flow)
    expected = generator.network.get_submodule("rgb")(pixel_norm(flow))
    assert torch.allclose(images(found), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"stop": 4, "n": 1, "scale": 1.0},
            "layer4 has no scores; there are layer1, layer2, layer3",
        ),
        ({"stop": 3, "n": 5, "scale": 1.0}, "n is 5; layer3 has 4 units"),
        ({"stop": 3, "n": -1, "scale": 1.0}, "n is -1; layer1 has 6 units"),
        ({"stop": 1, "start": 2, "n": 1, "scale": 1.0}, "from 1 on, not 2 .. 1"),
        ({"stop": 1, "start": 0, "n": 1, "scale": 1.0}, "from 1 on, not 0 .. 1"),
        ({"stop": 1, "n": 1, "scale": -0.5}, "scale is -0.5"),
        ({"stop": 1, "n": 1, "scale": float("nan")}, "scale is nan"),
    ],
)
def test_what_sequential_cannot_do_is_said_in_one_line(options, said) -> None:
    with pytest.raises(UserError, match=said):
        sequential.correct(evidence(), **options)


def test_scores_that_are_not_normalised_are_refused_not_turned_into_amplifiers() -> None:
    layers = ranked()
    raw = np.array([1.0, 2, 3, 4, 5, 43.2])
    layers["layer1"] = RankedLayer("layer1", raw, np.arange(6)[::-1])
    with pytest.raises(UserError, match=r"layer1 has 43\.2: set normalise of the correction"):
        sequential.correct(evidence(layers=layers), stop=1, n=1, scale=1.0)
    # At scale 0 no score is multiplied, so any will do.
    zero = sequential.correct(evidence(layers=layers), stop=1, n=1, scale=0.0)
    assert zero.layers["layer1"] == Scale((5,), (0.0,))


def test_scores_are_normalised_in_their_layer_where_that_is_asked_for() -> None:
    layers = {"layer1": RankedLayer("layer1", np.array([2.0, 6.0, 4.0]), np.array([1, 2, 0]))}
    options = {"stop": 1, "n": 2, "scale": 1.0}
    found = sequential.correct(evidence(layers=layers), **options, normalise="max")
    assert found.layers["layer1"] == Scale((1, 2), (0.0, 1 - 4 / 6))
    found = sequential.correct(evidence(layers=layers), **options, normalise="minmax")
    assert found.layers["layer1"] == Scale((1, 2), (0.0, 0.5))


@pytest.mark.parametrize(
    ("how", "scores", "expected"),
    [
        ("none", [3, -1, 1], [3, -1, 1]),
        ("max", [3, -1, 1.5], [1, -1 / 3, 0.5]),
        ("minmax", [3, -1, 1], [1, 0, 0.5]),
        ("max", [0, 0, -2], [0, 0, 0]),
        ("minmax", [2, 2, 2], [0, 0, 0]),
    ],
)
def test_normalisation_by_hand(how, scores, expected) -> None:
    assert normalised(np.array(scores, float), how).tolist() == expected


def test_an_ablation_says_which_layers_are_scored_and_how_many_units_there_are() -> None:
    with pytest.raises(UserError, match="layer8 has no scores; there are layer1, layer2, layer3"):
        ablation.correct(evidence(), layer="layer8", n=1)
    with pytest.raises(UserError, match="n is 7; layer1 has 6 units"):
        ablation.correct(evidence(), layer="layer1", n=7)


def test_clip_holds_units_to_the_quantiles_of_normal_generations_alone() -> None:
    # 0 and 2 are normal: their values are 1, 2, 3 and 4; the artifacts' 50 is not looked at.
    maps = {"layer1": maps_of([[1.0, 3.0], [50.0, 0.0], [4.0, 2.0], [50.0, 50.0]])}
    found = clip.correct(evidence(maps, alone()), stop=1, n=1)
    assert found.layers == {"layer1": Clip((0,), (1.0,), (4.0,))}
    # A quarter of four values is one: the first, and the smallest that three do not exceed.
    found = clip.correct(evidence(maps, alone()), stop=1, n=1, tail=0.25)
    assert found.layers == {"layer1": Clip((0,), (1.0,), (3.0,))}
    with pytest.raises(UserError, match=r"tail is 0\.5"):
        clip.correct(evidence(maps, alone()), stop=1, n=1, tail=0.5)


def test_shrink_brings_units_to_the_mean_of_normal_generations() -> None:
    maps = {"layer1": maps_of([[1.0, 3.0], [50.0, 0.0], [4.0, 2.0], [50.0, 50.0]])}
    assert shrink.correct(evidence(maps, alone()), stop=1, n=1).layers == {
        "layer1": Shrink((0,), (0.0,), (2.5,))
    }
    layers = {"layer1": replace(alone()["layer1"], score=np.array([0.25]))}
    # 1 - .25 of what is not the mean is left.
    assert shrink.correct(evidence(maps, layers), stop=1, n=1, scale=1.0).layers == {
        "layer1": Shrink((0,), (0.75,), (2.5,))
    }


def test_neurons_are_rare_by_how_often_they_are_active_and_never_means_not_rare() -> None:
    # Position 0 is active in one of four generations, position 1 in none.
    maps = {"layer1": maps_of([[1.0, -1.0], [-1.0, 0.0], [0.0, -2.0], [-1.0, -1.0]])}
    for rate, rare in ((0.3, [[[True, False]]]), (0.2, [[[False, False]]])):
        (edit,) = rare_neurons.correct(evidence(maps, alone()), stop=1, rate=rate).layers.values()
        assert edit.bits().tolist() == rare  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="rate is 0"):
        rare_neurons.correct(evidence(maps, alone()), stop=1, rate=0.0)


def test_feature_proliferation_knows_the_usual_mean_of_every_unit() -> None:
    # Spatial means 1, 3, 1, 3: mean 2, deviation 1.
    maps = {"layer1": maps_of([[0.0, 2.0], [3.0, 3.0], [2.0, 0.0], [2.0, 4.0]])}
    found = feature_proliferation.correct(evidence(maps, alone()), stop=1)
    assert found.layers == {"layer1": Calm((2.0,), (1.0,), 2.0, 0.1)}


def test_truncation_edits_latents_and_no_layer() -> None:
    assert truncation.correct(evidence(), bound=0.7) == Correction(latent=Truncate(0.7))
    with pytest.raises(UserError, match="bound is 0"):
        truncation.correct(evidence(), bound=0.0)


def test_the_boundary_is_that_between_the_labels_and_points_to_the_normals() -> None:
    known = evidence()
    found = boundary.correct(known, step=2.0).latent
    assert isinstance(found, Move)
    direction = torch.tensor(found.direction)
    assert direction.norm().item() == pytest.approx(1)
    assert found.step == 2.0
    along = known.latents(sorted(LABELS)) @ direction
    assert along[[0, 2]].min() > along[[1, 3]].max()


def test_a_machine_that_weighs_no_point_is_refused() -> None:
    with pytest.raises(UserError, match="cost is 0"):
        boundary.correct(evidence(), cost=0.0)


def test_a_machine_of_two_points_lies_across_the_line_between_them() -> None:
    points, side = np.array([[3.0, 4.0], [-3.0, -4.0]]), np.array([1.0, -1.0])
    assert boundary.boundary(points, side, 1.0) == pytest.approx([0.6, 0.8])


def test_points_far_on_their_own_side_do_not_move_the_boundary() -> None:
    near = np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.1], [-1.0, 0.1]])
    side = np.array([1.0, -1, 1, -1])
    far = np.concatenate([near, [[90.0, 900.0], [-90.0, 700.0]]])
    found = boundary.boundary(near, side, 300.0)
    # C is divided by the number of points, so that it weighs the same for more of them.
    again = boundary.boundary(far, np.array([*side, 1.0, -1.0]), 450.0)
    assert again == pytest.approx(found, abs=0.02)


def test_rejection_says_how_many_generations_would_be_kept() -> None:
    # Probabilities .1, .9, .2 and .4 of the labelled generations.
    found = rejection.correct(evidence(), least=0.4, tries=3)
    assert found == Correction(latent=Redraw(0.5), gate=0.4, tries=3)
    with pytest.raises(UserError, match=r"0 < least <= 1 and tries >= 1, not 0\.5 and 0"):
        rejection.correct(evidence(), tries=0)
