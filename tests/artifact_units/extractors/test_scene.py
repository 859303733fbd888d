from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from artifact_units.errors import UserError
from artifact_units.extractors.scene import DIM, SceneEncoder, load, save_encoder

CPU = torch.device("cpu")


@pytest.fixture
def weights(tmp_path) -> Path:
    torch.manual_seed(0)
    save_encoder(tmp_path / "weights", SceneEncoder(values=5))
    return tmp_path / "weights"


def images(count: int, px: int) -> torch.Tensor:
    stream = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 3, px, px), generator=stream).to(torch.uint8)


def test_features_of_an_image_hang_on_that_image_alone(weights) -> None:
    extractor = load(weights, CPU)
    together = extractor.extract(images(4, 64))
    assert together.shape == (4, DIM) == (4, extractor.dim)
    alone = extractor.extract(images(4, 64)[2:3])
    assert torch.allclose(alone, together[2:3], atol=1e-5)


def test_images_of_any_size_are_seen_at_32_pixels(weights) -> None:
    extractor = load(weights, CPU)
    small = images(2, 32)
    large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert extractor.extract(large).shape == (2, DIM)
    flat = torch.full((1, 3, 32, 32), 90, dtype=torch.uint8)
    flat_large = torch.full((1, 3, 96, 96), 90, dtype=torch.uint8)
    assert torch.allclose(extractor.extract(flat), extractor.extract(flat_large), atol=1e-5)


def test_other_weights_are_refused_in_one_line(tmp_path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign")
    with pytest.raises(UserError, match=r"foreign weights, not a scene_encoder") as caught:
        load(tmp_path / "foreign", CPU)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="no such"):
        load(tmp_path / "nothing", CPU)
