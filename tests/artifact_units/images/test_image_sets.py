from __future__ import annotations

import numpy as np
import pytest
import torch

from artifact_units.errors import UserError
from artifact_units.images import image_sets as images


def some(count: int, px: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(count)
    return torch.randint(0, 256, (count, 3, px, px), generator=generator, dtype=torch.uint8)


def test_the_ends_of_the_signed_range_are_the_ends_of_the_byte_range() -> None:
    raw = torch.tensor([-2.0, -1.0, 0.0, 1.0, 3.0]).view(1, 1, 1, 5).expand(1, 3, 1, 5)
    # 0.0 is 127.5, which rounds half to even: 128.
    assert images.byte_from_signed(raw)[0, 0, 0].tolist() == [0, 0, 128, 255, 255]


def test_what_was_written_is_read_back(tmp_path) -> None:
    pixels = some(7)
    images.write_images(tmp_path / "a", range(10, 17), iter(pixels.split(3)))
    found = images.open_images(tmp_path / "a")
    assert found.ids.tolist() == list(range(10, 17))
    assert found.px == 4
    assert torch.equal(torch.cat(list(found.batches(2))), pixels)


def test_shards_do_not_depend_on_the_batches(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(images, "SHARD", 4)
    pixels = some(10)
    for name, batch in (("a", 1), ("b", 3), ("c", 10)):
        images.write_images(tmp_path / name, range(10), iter(pixels.split(batch)))
    files = {n: [f.read_bytes() for f in sorted((tmp_path / n).iterdir())] for n in "abc"}
    assert len(files["a"]) == 3  # 4 + 4 + 2
    assert files["a"] == files["b"] == files["c"]


def test_take_gives_the_asked_order_over_shards_and_repeats(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(images, "SHARD", 2)
    first, second = some(3), some(5)[:3]
    free = images.write_images(tmp_path / "a", [5, 6, 7], iter([first]))
    images.write_images(tmp_path / "a", [5, 6, 7], iter([second]), repeat=1, first=free)
    found = images.open_images(tmp_path / "a")
    assert torch.equal(found.take([7, 5]), first[[2, 0]])
    assert torch.equal(found.take(np.array([6]), repeat=1), second[[1]])


def test_a_missing_generation_is_named(tmp_path) -> None:
    images.write_images(tmp_path / "a", [1], iter([some(1)]))
    with pytest.raises(UserError, match="holds no generation 9"):
        images.open_images(tmp_path / "a").take([9])


def test_an_empty_folder_is_no_image_set(tmp_path) -> None:
    with pytest.raises(UserError, match="holds no image shard"):
        images.open_images(tmp_path)


def test_ids_and_images_must_be_as_many(tmp_path) -> None:
    with pytest.raises(ValueError, match="2 ids for 1 images"):
        images.write_images(tmp_path / "a", [1, 2], iter([some(1)]))


def test_real_images_of_another_size_than_the_generations_are_refused(tmp_path) -> None:
    for name, px in {"reals": 8, "generations": 16}.items():
        images.write_images(
            tmp_path / name, [0], iter([torch.zeros(1, 3, px, px, dtype=torch.uint8)])
        )
    reals, generations = (images.open_images(tmp_path / name) for name in ("reals", "generations"))
    with pytest.raises(UserError, match=r"of 8 px, the generations have 16; set read_reals\.px"):
        images.check_alike(reals, generations)
    images.check_alike(reals, reals)
