"""A mistake in the embedded domain's values is told before anything is computed."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from steps.check_embedded import main

OWN = Path(__file__).parents[2] / "demo/params.yaml"


def check(folder, old="", new=""):
    text = OWN.read_text(encoding="utf-8")
    assert old in text
    (folder / "params.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    words = ["--params", str(folder / "params.yaml"), "--out", str(folder / "checked.json")]
    return CliRunner().invoke(main, words)


def test_the_values_as_they_are_shipped_are_well_formed(tmp_path):
    assert check(tmp_path).exit_code == 0
    assert (tmp_path / "checked.json").read_text() == '{"checked": true}\n'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("error_rate:", "eror_rate:", "annotate_generations.eror_rate is not known; did you mean"),
        ("px: 64", "px: 32", "render_reals.px is 32; it takes 64"),
        ("lowest: 0.2", "lowest: 0.5", "plant_defects.lowest is above plant_defects.highest"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(tmp_path, old, new, said):
    done = check(tmp_path, old, new)
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: {tmp_path}/params.yaml: {said}")
    assert done.output.count("\n") == 1
    assert not (tmp_path / "checked.json").exists()
