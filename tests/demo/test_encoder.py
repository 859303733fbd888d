from __future__ import annotations

from pathlib import Path

import torch
from click.testing import CliRunner

from artifact_units.extractors.scene import load_encoder
from demo.domain.encoder import explained, scenes
from demo.domain.train_encoder import main

SHIPPED = Path(__file__).parents[2] / "demo" / "scene_encoder.safetensors"


def test_the_shipped_encoder_reads_scenes_that_it_never_saw() -> None:
    r2 = explained(load_encoder(SHIPPED), *scenes(77, range(200), 64))
    assert r2.mean() > 0.75
    assert r2.min() > 0.2


def test_explained_is_1_for_the_answer_itself_and_0_for_the_mean() -> None:
    class Answers(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            # The first value is the first pixel, the second always 2.
            first = images[:, 0, 0, 0].float()
            return torch.stack([first, torch.full_like(first, 2)], 1)

    images = torch.randint(0, 256, (8, 3, 4, 4), generator=torch.Generator().manual_seed(0))
    values = torch.stack([images[:, 0, 0, 0].float(), torch.tensor([1.0, 3.0]).repeat(4)], 1)
    r2 = explained(Answers(), images.to(torch.uint8), values)  # type: ignore[arg-type]
    assert torch.allclose(r2, torch.tensor([1.0, 0.0]), atol=1e-6)


def test_the_same_command_trains_the_same_encoder(tmp_path) -> None:
    for name in "ab":
        command = f"--images 128 --px 32 --epochs 1 --seed 0 --threads 1 --out {tmp_path / name}"
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 0, result.output
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
