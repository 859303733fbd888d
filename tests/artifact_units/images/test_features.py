from __future__ import annotations

import numpy as np
import pytest
import torch

from artifact_units.errors import UserError
from artifact_units.images import image_sets as image_files
from artifact_units.images.extraction import write_features
from artifact_units.images.features import Extractor, check_enough, read_features
from artifact_units.images.image_sets import open_images, write_images

PIXELS = torch.arange(5 * 3 * 4).reshape(5, 3, 2, 2).to(torch.uint8)
MEANS = Extractor("means", 3, lambda images: images.float().mean(dim=(2, 3)))


@pytest.fixture
def five(tmp_path):
    write_images(tmp_path / "five", range(10, 15), iter([PIXELS]))
    return open_images(tmp_path / "five")


def test_a_feature_stands_beside_its_image(tmp_path, five) -> None:
    assert write_features(tmp_path / "f", MEANS, [five], batch=2) == 5
    found = read_features(tmp_path / "f")
    assert found.extractor == "means"
    # Image 12 is the third: its first channel holds 24 25 26 27.
    assert found.take([12])[0, 0] == 25.5


def test_features_do_not_depend_on_the_batch(tmp_path, five) -> None:
    for batch in (1, 2, 5):
        write_features(tmp_path / str(batch), MEANS, [five], batch)
    assert len({(tmp_path / name).read_bytes() for name in "125"}) == 1


def test_shards_follow_one_another_in_one_table(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(image_files, "SHARD", 2)
    write_images(tmp_path / "three_shards", range(10, 15), iter([PIXELS]))
    write_features(tmp_path / "f", MEANS, [open_images(tmp_path / "three_shards")], batch=4)
    found = read_features(tmp_path / "f")
    assert found.ids.tolist() == [10, 11, 12, 13, 14]
    assert torch.equal(found.features, PIXELS.float().mean(dim=(2, 3)))


def test_only_the_first_images_are_taken_across_shards(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(image_files, "SHARD", 2)
    write_images(tmp_path / "three_shards", range(10, 15), iter([PIXELS]))
    images = open_images(tmp_path / "three_shards")
    assert write_features(tmp_path / "f", MEANS, [images], batch=4, first=3) == 3
    assert read_features(tmp_path / "f").ids.tolist() == [10, 11, 12]


def test_more_images_than_there_are_is_refused(tmp_path, five) -> None:
    with pytest.raises(UserError, match="5 images, 6 are asked for"):
        write_features(tmp_path / "f", MEANS, [five], batch=2, first=6)
    assert not (tmp_path / "f").exists()


def test_a_feature_that_is_no_number_names_its_image(tmp_path, five) -> None:
    def extract(images):
        means = images.float().mean(dim=(2, 3))
        return torch.where(means == 25.5, torch.nan, means)

    with pytest.raises(UserError, match="image 12 has features that are not finite"):
        write_features(tmp_path / "f", Extractor("means", 3, extract), [five], batch=2)
    assert not (tmp_path / "f").exists()


def test_repeats_of_an_id_are_told_apart(tmp_path) -> None:
    write_images(tmp_path / "r", [7], iter([PIXELS[:1]]), repeat=0)
    write_images(tmp_path / "r", [7], iter([PIXELS[1:2]]), repeat=1, first=1)
    write_features(tmp_path / "f", MEANS, [open_images(tmp_path / "r")], batch=2)
    found = read_features(tmp_path / "f")
    assert found.take([7], repeat=1)[0, 0] == 13.5  # 12 13 14 15
    with pytest.raises(UserError, match=r"no generation 7 \(repeat 2\)"):
        found.take([7], repeat=2)


def test_an_empty_set_has_an_empty_table(tmp_path) -> None:
    write_features(tmp_path / "f", MEANS, [], batch=2)
    assert read_features(tmp_path / "f").features.shape == (0, 3)


def test_too_few_images_says_how_many_are_needed() -> None:
    three, two = torch.zeros(3, 4), torch.zeros(2, 4)
    check_enough("it", three, two, (3, 2))
    with pytest.raises(
        UserError, match="at least 4 real and 2 generated images; there are 3 and 2"
    ):
        check_enough("it", three, two, (4, 2))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_metric_names_the_row_that_is_no_number(bad) -> None:
    real, generated = torch.zeros(3, 2), torch.zeros(3, 2)
    generated[1, 0] = bad
    with pytest.raises(UserError, match="generated image 1"):
        check_enough("it", real, generated, (1, 1))
