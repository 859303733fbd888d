from __future__ import annotations

import torch
from click.testing import CliRunner

from artifact_units.images.image_sets import open_images
from demo.domain.churches import render_churches
from steps.render_reals import STREAM, main


def run(out, seed: int, batch: int) -> torch.Tensor:
    values = f"--images 7 --px 64 --seed {seed} --device cpu --threads 1 --batch {batch}"
    values += " --precision float32 --no-channels_last"
    result = CliRunner().invoke(main, ["--out", str(out), *values.split()])
    assert result.exit_code == 0, result.output
    return open_images(out).take(range(7))


def test_the_real_images_hang_on_the_seed_and_not_on_the_batch(tmp_path) -> None:
    images = run(tmp_path / "a", 5, 7)
    assert torch.equal(run(tmp_path / "b", 5, 3), images)
    assert torch.equal(images, render_churches(STREAM + 5, range(7), 64))
    assert not torch.equal(run(tmp_path / "c", 6, 7), images)


def test_no_seed_gives_the_churches_that_the_networks_were_trained_on() -> None:
    assert STREAM > 20_000 + 9_999  # train_encoder's last stream, the highest of both
