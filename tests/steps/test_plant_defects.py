from __future__ import annotations

import json

from click.testing import CliRunner
from small_generator import small_generator

from artifact_units.generators import load_generator, save_generator
from artifact_units.images.latents import latents_of
from artifact_units.layers.edits import Scale
from artifact_units.layers.hooks import edited
from steps.plant_defects import main


def run(folder, lowest: float):
    save_generator(folder / "good", small_generator())
    paths = f"--generator {folder}/good --out {folder}/broken --truth {folder}/truth"
    values = f"--seed 0 --tries 2 --lowest {lowest} --highest 1 --single_layer 1"
    values += " --mask_difference 0.01 --area 0"
    values += " --device cpu --threads 1 --batch 100 --precision float32 --no-channels_last"
    return CliRunner().invoke(main, [*paths.split(), *values.split()])


def test_the_truth_names_the_units_whose_ablation_gives_the_clean_generator(tmp_path) -> None:
    assert run(tmp_path, lowest=0).exit_code == 0
    units = json.loads((tmp_path / "truth" / "units.json").read_text())
    broken = load_generator(tmp_path / "broken")
    clean = load_generator(tmp_path / "truth" / "clean.safetensors")
    latents = latents_of(range(20), 8)
    assert not broken(latents).equal(clean(latents))
    edits = {layer: Scale(tuple(u), (0.0,) * len(u)) for layer, u in units.items()}
    with edited(broken, edits):
        assert broken(latents).equal(clean(latents))


def test_the_same_values_plant_the_same_bytes(tmp_path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        assert run(tmp_path / name, lowest=0).exit_code == 0
    for file in ("broken", "truth/units.json", "truth/clean.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_bounds_that_no_seed_meets_end_in_one_line_and_no_file(tmp_path) -> None:
    result = run(tmp_path, lowest=1)
    assert result.exit_code == 1
    assert "Error: none of the seeds 0 … 1" in result.output
    assert not (tmp_path / "broken").exists()
