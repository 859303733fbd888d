from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from artifact_units.generators import load_generator
from steps.accumulate_statistics import main

DATA = Path(__file__).parents[1] / "parity" / "data"


def test_the_written_checkpoint_loads_as_what_it_was(tmp_path):
    source, out = DATA / "biggan-ajbrock-a" / "G_ema_best0.pth", tmp_path / "G_ema_standing.pth"
    line = ["--generator", str(source), "--out", str(out), "--batches", "2", "--device", "cpu"]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 0, result.output
    assert "2 batches of 20, latents of seed 0, on cpu" in result.output
    before, after = load_generator(source), load_generator(out)
    assert (after.layout, after.layers, after.notes) == (before.layout, before.layers, ())


def test_a_device_that_there_is_none_of_is_one_line(tmp_path):
    line = ["--generator", str(DATA), "--out", str(tmp_path / "out"), "--device", "gpu"]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 2
    assert "'gpu' is not one of 'auto', 'cpu', 'cuda'" in result.output
