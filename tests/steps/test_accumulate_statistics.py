from __future__ import annotations

from pathlib import Path

import torch
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


def test_of_several_networks_the_one_that_is_named_is_taken(tmp_path):
    state = torch.load(DATA / "biggan-ajbrock-a" / "G_ema_best0.pth", weights_only=True)
    half = {key: tensor / 2 for key, tensor in state.items()}
    torch.save({"best": state, "last": half}, tmp_path / "G_ema.pth")
    line = ["--generator", str(tmp_path / "G_ema.pth"), "--out", str(tmp_path / "out.pth")]
    line += ["--batches", "2", "--device", "cpu"]
    result = CliRunner().invoke(main, line)
    assert "best, last; say which: --option weights=best" in result.output
    result = CliRunner().invoke(main, [*line, "--option", "weights=last"])
    assert result.exit_code == 0, result.output
    written = torch.load(tmp_path / "out.pth", weights_only=True)
    key = "output_layer.0.stored_mean"
    assert torch.equal(written["best"][key], state[key])
    assert not torch.equal(written["last"][key], half[key])


def test_a_device_that_there_is_none_of_is_one_line(tmp_path):
    line = ["--generator", str(DATA), "--out", str(tmp_path / "out"), "--device", "gpu"]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 2
    assert "'gpu' is not one of 'auto', 'cpu', 'cuda'" in result.output
