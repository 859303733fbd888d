from __future__ import annotations

import numpy as np
import pytest
import torch
from small_generator import small_generator

from artifact_units.errors import UserError
from artifact_units.files.parts import gather
from artifact_units.images.latents import latents_of
from artifact_units.layers.hooks import recorded
from artifact_units.units import collection
from artifact_units.units.featuremaps import open_featuremaps, read_ids


def small():
    return small_generator([6, 6, 4, 4], deviation=0.3)


def test_layers_come_in_network_order_each_once() -> None:
    found = collection.in_network_order(small(), ["layer3", "layer1", "layer3"])
    assert [layer.name for layer in found] == ["layer1", "layer3"]


def test_the_shards_hold_what_the_generator_computes_in_half_precision(tmp_path, monkeypatch):
    monkeypatch.setattr(collection, "SHARD", 3)
    generator, ids = small(), np.array([1, 4, 5, 9, 12, 13, 20])
    layers = collection.in_network_order(generator, ["layer2", "layer3"])
    gather(collection.featuremap_parts(generator, layers, ids, batch=2), tmp_path, None)
    folder = tmp_path / "featuremaps"
    assert sorted(f.name for f in folder.iterdir()) == [f"0000{k}.safetensors" for k in range(3)]
    assert read_ids(folder).tolist() == ids.tolist()
    with recorded(generator, ["layer2", "layer3"]) as maps:
        generator(latents_of(ids, 8))
    for name in maps:
        found = open_featuremaps(folder, name, torch.device("cpu"))
        assert found.dtype == torch.float16
        # Another batch size: equal up to one step of half precision.
        assert torch.allclose(found.float(), maps[name], rtol=2**-10, atol=1e-4)


def test_bytes_needed_are_the_bytes_of_the_tensors() -> None:
    layers = collection.in_network_order(small(), ["layer1", "layer3"])
    assert collection.bytes_needed(layers, 10) == 10 * 2 * (6 * 4 * 4 + 4 * 8 * 8)


def test_too_many_bytes_are_refused_with_the_layers_and_images_that_would_fit() -> None:
    generator = small()
    layers = collection.in_network_order(generator, ["layer1", "layer2", "layer3"])
    # A generation takes 192 + 192 + 512 bytes: 100 of them 89,600.
    collection.check_limit(layers, 100, 89_600e-9)
    with pytest.raises(UserError) as error:
        collection.check_limit(layers, 100, 40_000e-9)
    assert "layer1 … layer2 would fit, or 44 generations" in str(error.value)
    with pytest.raises(UserError) as error:
        collection.check_limit(layers, 100, 10_000e-9)
    assert "is 1e-05: 11 generations of all these would fit" in str(error.value)


@pytest.mark.parametrize("bad", [float("nan"), 70_000.0])
def test_a_value_that_half_precision_cannot_hold_names_layer_unit_and_generation(bad) -> None:
    generator = small()
    layers = collection.in_network_order(generator, ["layer1", "layer2"])

    def spoil(_module, inputs, output):
        # Only the second image of a batch of two, only unit 4.
        if len(output) == 2:
            output[1, 4, 0, 0] = bad

    generator.module("layer2").register_forward_hook(spoil)
    with pytest.raises(UserError, match="layer2 unit 4 of generation 31 is NaN or beyond half"):
        list(collection.featuremaps_by_batch(generator, layers, [30, 31, 32], 2))
