from __future__ import annotations

from click.testing import CliRunner
from safetensors.torch import load_file

from artifact_units.generators import load_generator
from demo.domain.train_generator import main

# 12 images of 8 px are three steps of four; 8 of 16 px two more, faded in.
COMMAND = "--images 8 --batch 4 --seed 0 --threads 1 --schedule"


def test_the_same_command_trains_the_same_generator(tmp_path) -> None:
    for name in ("a", "b"):
        arguments = [*COMMAND.split(), "8:0.012,16:0.008", "--out", str(tmp_path / name)]
        assert CliRunner().invoke(main, arguments).exit_code == 0
    a, b = (load_file(tmp_path / name) for name in ("a", "b"))
    assert all(a[key].equal(b[key]) for key in a)
    generator = load_generator(tmp_path / "a")
    assert (len(generator.layers), generator.image_px, generator.latent_dim) == (10, 64, 64)


def test_training_moves_the_layers_of_the_resolutions_shown_and_no_other(tmp_path) -> None:
    for name, schedule in {"short": "8:0.004", "long": "8:0.012"}.items():
        arguments = [*COMMAND.split(), schedule, "--out", str(tmp_path / name)]
        assert CliRunner().invoke(main, arguments).exit_code == 0
    short, long = (load_file(tmp_path / name) for name in ("short", "long"))
    moved = {key for key in short if not short[key].equal(long[key])}
    assert moved == {f"layer{k}.{part}" for k in (1, 2, 3, 4) for part in ("weight", "bias")}


def test_a_schedule_that_cannot_be_read_is_refused(tmp_path) -> None:
    for schedule in ("8", "8:few", "7:1"):
        arguments = [*COMMAND.split(), schedule, "--out", str(tmp_path / "none")]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 2
        assert schedule in result.output
