from __future__ import annotations

import torch
from small_generator import small_generator

from artifact_units import compute
from artifact_units.generators import load_generator, save_generator


def small():
    return small_generator([6, 6, 4, 4], deviation=0.3)


def test_a_generation_is_the_same_image_in_any_batch() -> None:
    generator = small()
    whole = torch.cat(list(compute.sample(generator, range(7), 7)))
    for batch in (1, 3):
        assert torch.equal(torch.cat(list(compute.sample(generator, range(7), batch))), whole)
    assert torch.equal(next(iter(compute.sample(generator, [5], 1))), whole[[5]])


def test_a_saved_generator_makes_the_same_images_and_the_same_file(tmp_path) -> None:
    generator = small()
    for name in "ab":
        save_generator(tmp_path / name, generator)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    again = load_generator(tmp_path / "a")
    assert [layer.name for layer in again.layers] == ["layer1", "layer2", "layer3", "layer4"]
    latents = torch.randn(2, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(again(latents), generator(latents))
