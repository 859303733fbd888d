from __future__ import annotations

import numpy as np
import pytest
import torch

from artifact_units.correctors import ablation, sequential
from artifact_units.edits import Scale
from artifact_units.errors import UserError
from artifact_units.evidence import RankedLayer
from artifact_units.generators import as_generator
from artifact_units.generators.pggan import PGGAN, pixel_norm
from artifact_units.hooks import edited

LATENTS = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))


def small():
    torch.manual_seed(0)
    network = PGGAN(8, [6, 6, 4, 4])
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return as_generator(network)


def ranked() -> dict[str, RankedLayer]:
    """layer1 .. layer3 of the small generator; the last unit is the worst, with 1.0."""
    layers = {}
    for name, units in (("layer1", 6), ("layer2", 6), ("layer3", 4)):
        score = np.arange(1, units + 1) / units
        layers[name] = RankedLayer(name, score * 0.1, score, np.arange(units)[::-1])
    return layers


def images(edits) -> torch.Tensor:
    generator = small()
    with edited(generator, edits):
        return generator(LATENTS)


def test_an_ablation_zeroes_the_top_units_of_its_layer() -> None:
    assert ablation.correct(ranked(), layer="layer2", n=2) == {"layer2": Scale((5, 4), (0.0, 0.0))}


def test_without_units_the_generator_is_reproduced_bit_for_bit() -> None:
    plain = small()(LATENTS)
    assert torch.equal(images(ablation.correct(ranked(), layer="layer2", n=0)), plain)
    assert torch.equal(images(sequential.correct(ranked(), stop=3, n=0, scale=0.5)), plain)


@pytest.mark.parametrize(("layer", "k"), [("layer1", 1), ("layer3", 3)])
def test_scale_0_on_one_layer_is_the_ablation_bit_for_bit(layer, k) -> None:
    one = images(ablation.correct(ranked(), layer=layer, n=3))
    assert torch.equal(images(sequential.correct(ranked(), start=k, stop=k, n=3, scale=0.0)), one)
    assert not torch.equal(one, small()(LATENTS))


def test_sequential_weakens_the_top_units_of_every_layer_up_to_stop() -> None:
    edits = sequential.correct(ranked(), stop=3, n=2, scale=0.5)
    assert list(edits) == ["layer1", "layer2", "layer3"]
    # Scores 1 and 5/6, so 0.5 * (1 - 1) and 0.5 * (1 - 5/6).
    assert edits["layer1"].units == (5, 4)
    assert edits["layer1"].factors == pytest.approx((0.0, 1 / 12))
    assert edits["layer3"].units == (3, 2)
    assert edits["layer3"].factors == pytest.approx((0.0, 1 / 8))  # 0.5 * (1 - 3/4)


def test_sequential_multiplies_what_the_layers_before_have_already_corrected() -> None:
    generator = small()
    edits = sequential.correct(ranked(), stop=3, n=2, scale=0.8)
    flow = LATENTS[:, :, None, None]
    for name in ("layer1", "layer2", "layer3"):
        flow = generator.module(name)(flow)
        for unit, factor in zip(edits[name].units, edits[name].factors, strict=True):
            flow[:, unit] *= factor  # Algorithm 1, line by line
    flow = generator.module("layer4")(flow)
    expected = generator.network.get_submodule("rgb")(pixel_norm(flow))
    assert torch.allclose(images(edits), expected, rtol=1e-5, atol=1e-6)


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
        sequential.correct(ranked(), **options)


def test_scores_that_are_not_normalised_are_refused_not_turned_into_amplifiers() -> None:
    layers = ranked()
    raw = np.array([1.0, 2, 3, 4, 5, 43.2])
    layers["layer1"] = RankedLayer("layer1", raw, raw, np.arange(6)[::-1])
    with pytest.raises(UserError, match=r"layer1 has 43\.2: set normalise of the ranking to max"):
        sequential.correct(layers, stop=1, n=1, scale=1.0)


def test_an_ablation_says_which_layers_are_scored_and_how_many_units_there_are() -> None:
    with pytest.raises(UserError, match="layer8 has no scores; there are layer1, layer2, layer3"):
        ablation.correct(ranked(), layer="layer8", n=1)
    with pytest.raises(UserError, match="n is 7; layer1 has 6 units"):
        ablation.correct(ranked(), layer="layer1", n=7)
