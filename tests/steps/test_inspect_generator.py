from __future__ import annotations

from pathlib import Path

import torch
from click.testing import CliRunner

from steps.inspect_generator import main

DATA = Path(__file__).parents[1] / "parity" / "data"


def said(*arguments: str) -> str:
    return CliRunner().invoke(main, list(arguments)).output


def test_the_table_has_layer_module_units_and_grid():
    lines = said(str(DATA / "pggan-gandissect-a" / "checkpoint.pth")).splitlines()
    assert lines[0].endswith("pggan-gandissect, 32 px")
    assert lines[2].split() == ["layer", "module", "units", "grid"]
    assert lines[7].split() == ["layer5", "layer5", "16", "16x16"]
    assert len(lines) == 3 + 8


def test_signed_units_are_told():
    text = said(str(DATA / "biggan-ajbrock-a" / "G_ema_best0.pth"))
    assert "classes 5" in text
    assert "layer2  blocks.1.1  16     16x16  signed: zero is not off" in text


def test_a_generator_with_classes_says_how_a_run_is_given_one():
    text = said(str(DATA / "biggan-ajbrock-a" / "G_ema_best0.pth"))
    assert "note: a run draws one class" in text
    assert "`generator: G_ema_best0.pth`, its `sha256:` and `class: 0`" in text
    assert "one class" not in said(str(DATA / "pggan-gandissect-a" / "checkpoint.pth"))


def test_the_network_to_take_is_chosen_by_its_place(tmp_path):
    state = torch.load(DATA / "pggan-gandissect-a" / "checkpoint.pth", weights_only=True)
    half = {key: tensor / 2 for key, tensor in state.items()}
    torch.save({"best": state, "last": half}, tmp_path / "two.pth")
    path = str(tmp_path / "two.pth")
    assert "holds 2 networks of the same shapes: best, last" in said(path)
    text = said(path, "--option", "weights=last")
    assert f"note: {path}: taken: last; the file does not tell" in text
    assert "also in the file: best" in text
    assert "did you mean 'best'?" in said(path, "--option", "weights=bestt")


def test_options_are_given_as_key_and_value():
    path = str(DATA / "pggan-genforce-fused-a" / "checkpoint.pth")
    assert "pggan-genforce, 16 px" in said(path, "--option", "fused_scale=true")
    assert "has no option 'x'" in said(path, "--option", "x=1")
    assert "is not key=value" in said(path, "--option", "x")
    assert "has no value that YAML can read" in said(path, "--option", "x=[")


def test_a_file_that_is_no_checkpoint_is_one_line_and_no_trace(tmp_path):
    (tmp_path / "a.pth").write_text("<html></html>")
    result = CliRunner().invoke(main, [str(tmp_path / "a.pth")])
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "HTML" in result.output
