from __future__ import annotations

import pytest
import torch
from small_generator import smaller_generator

from artifact_units.errors import UserError
from artifact_units.layers.edits import Scale
from artifact_units.layers.hooks import edited, featuremaps_of, recorded

LATENTS = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))


def test_recorded_featuremaps_have_the_layers_own_shapes() -> None:
    generator = smaller_generator()
    with recorded(generator, ["layer2", "layer4"]) as maps:
        generator(LATENTS)
    assert {name: tuple(value.shape) for name, value in maps.items()} == {
        "layer2": (3, 6, 4, 4),
        "layer4": (3, 4, 8, 8),
    }


def test_a_pass_that_stops_early_records_what_a_whole_one_does_and_computes_no_more() -> None:
    generator, reached = smaller_generator(), []
    for name in ("layer2", "layer3", "rgb"):
        module = generator.network.get_submodule(name)
        module.register_forward_hook(lambda *_, name=name: reached.append(name))
    maps = featuremaps_of(generator, LATENTS, ["layer2", "layer1"])
    assert reached == ["layer2"]
    with recorded(generator, ["layer1", "layer2"]) as whole:
        generator(LATENTS)
    assert all(torch.equal(maps[name], whole[name]) for name in whole)
    assert reached == ["layer2", "layer2", "layer3", "rgb"]  # the whole pass was whole


def test_an_edit_multiplies_what_the_edits_before_it_have_changed() -> None:
    generator = smaller_generator()
    edits = {"layer1": Scale((0, 3), (0.0, 0.5)), "layer2": Scale((1,), (0.25,))}
    with recorded(generator, ["layer1"]) as before:
        generator(LATENTS)
    with edited(generator, edits), recorded(generator, ["layer1", "layer2"]) as maps:
        generator(LATENTS)
    first = edits["layer1"](before["layer1"])
    expected = edits["layer2"](generator.module("layer2")(first))
    assert torch.equal(maps["layer1"], first)
    assert torch.equal(maps["layer2"], expected)
    assert not torch.equal(expected, edits["layer2"](generator.module("layer2")(before["layer1"])))


def test_edits_are_gone_after_the_block_also_when_it_raises() -> None:
    generator = smaller_generator()
    plain = generator(LATENTS)

    def block() -> None:
        with edited(generator, {"layer1": Scale((0,), (0.0,))}):
            assert not torch.equal(generator(LATENTS), plain)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        block()
    assert torch.equal(generator(LATENTS), plain)


def test_a_layer_that_does_not_exist_is_named() -> None:
    with (
        pytest.raises(UserError, match="'layer9' is not in this generator"),
        edited(smaller_generator(), {"layer9": Scale((), ())}),
    ):
        pass
