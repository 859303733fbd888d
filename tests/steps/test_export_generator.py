from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from artifact_units.files.manifests import write_manifest
from artifact_units.files.storage import sha256_of
from artifact_units.generators import load_generator
from steps.export_generator import main

DATA = Path(__file__).parents[1] / "parity" / "data"


def run(tmp_path: Path, case: str, *more: str) -> str:
    corrections = tmp_path / "edits.json"
    layers = {"layer3": {"kind": "scale", "units": [1], "factors": [0.0]}}
    described = {"layers": layers, "latent": None, "gate": 0.0, "tries": 1}
    corrections.write_text(json.dumps([described]))
    arguments = ["--generator", str(DATA / case), "--corrections", str(corrections)]
    result = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "out"), *more])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_layout_the_reason_and_the_difference_are_printed(tmp_path):
    text = run(tmp_path, "pggan-gandissect-a/checkpoint.pth")
    assert "layout pggan-gandissect, folded exactly" in text
    assert "the largest difference is 0 and the mean 0, over 4 generations" in text
    written = load_generator(tmp_path / "out.pth").network.state_dict()
    assert (written["layer3.weight"][1] == 0).all()
    assert (written["layer3.weight"][0] != 0).any()


def test_a_name_without_a_suffix_gets_that_of_what_is_written(tmp_path):
    run(tmp_path, "pggan-gandissect-a/checkpoint.pth")
    run(tmp_path, "stylegan2-rosinality-a/checkpoint.pt")
    names = {path.name for path in tmp_path.iterdir()}
    written = {"out.pth", "out.safetensors"}
    assert names == {"edits.json", *written, *(f"{name}.manifest.json" for name in written)}


def test_a_correction_that_was_made_for_another_checkpoint_is_pointed_out(tmp_path):
    case = "pggan-gandissect-a/checkpoint.pth"
    for made_of, pointed in (("12" * 32, True), (sha256_of(DATA / case), False)):
        run(tmp_path, case)
        write_manifest(tmp_path / "edits.json", "correct_generations", {"generator": made_of}, {})
        said = run(tmp_path, case)
        assert ("was made of a file of sha256 121212121212, and" in said) == pointed


def test_approximation_is_a_flag_and_its_error_is_printed(tmp_path):
    case = "stylegan2-rosinality-a/checkpoint.pt"
    assert "layout artifact-units, edits made as it runs" in run(tmp_path, case)
    text = run(tmp_path, case, "--approximate")
    assert "folded approximately" in text
    assert "the largest difference is 0 " not in text
