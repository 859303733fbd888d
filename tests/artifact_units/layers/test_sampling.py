from __future__ import annotations

import pytest
import torch
from small_generator import small_generator

from artifact_units.files.parts import Shards, gather
from artifact_units.images.image_sets import open_images
from artifact_units.layers import placing, sampling


@pytest.fixture
def generator(monkeypatch):
    monkeypatch.setattr(sampling, "SHARD", 3)
    return small_generator([6, 6, 4, 4])


def test_the_shards_of_a_set_are_its_parts_and_batches_begin_anew_in_each(tmp_path, generator):
    parts = sampling.sampled_parts(lambda: generator, {"set": range(7)}, batch=2)
    assert [part.name for part in parts] == [f"set/0000{k}.parquet" for k in range(3)]
    assert gather(parts, tmp_path, None) == 3
    found = open_images(tmp_path / "set")
    assert found.ids.tolist() == list(range(7))
    own = [next(placing.sample(generator, ids, 2)) for ids in ([0, 1], [2], [3, 4], [5], [6])]
    assert torch.equal(found.take(range(7)), torch.cat(own))


def test_each_repeat_has_its_own_sampler_and_its_own_shards(tmp_path, generator):
    def black(generator, ids, batch):
        return (0 * images for images in placing.sample(generator, ids, batch))

    samplers = [placing.sample, black]
    parts = sampling.sampled_parts(lambda: generator, {"set": range(4)}, 4, samplers)
    assert len(parts) == 4  # shards of 3 + 1 images, twice
    gather(parts, tmp_path, None)
    found = open_images(tmp_path / "set")
    assert found.repeats.tolist() == [0] * 4 + [1] * 4
    assert found.take(range(4), 0).any()
    assert not found.take(range(4), 1).any()


def test_where_all_parts_are_done_no_generator_is_asked_for(tmp_path, generator):
    sets = {"one": range(4), "two": range(2)}
    Shards(tmp_path / "s", (0, 1)).compute(sampling.sampled_parts(lambda: generator, sets, 2))

    def missing():
        raise AssertionError("loaded")

    gather(sampling.sampled_parts(missing, sets, 2), tmp_path / "out", tmp_path / "s")
    assert len(open_images(tmp_path / "out/one")) == 4
