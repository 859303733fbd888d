from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from small_fit import fit
from small_known import IDS, write_known

from artifact_units.corrections.correction import corrected, read_corrections
from artifact_units.corrections.sources import classifying
from artifact_units.generators import load_generator
from artifact_units.images.image_sets import open_images
from artifact_units.layers import placing
from artifact_units.layers.edits import Scale
from artifact_units.layers.latent_edits import Truncate
from steps.correct_generations import main


@pytest.fixture
def folder(tmp_path) -> Path:
    write_known(tmp_path)
    return tmp_path


def correct(folder: Path, out: str, artifacts: str = "4", **options: str) -> Result:
    """Fit a correction into ``OUT-fitted``, and correct by it into ``OUT``."""
    fitted = folder / f"{out}-fitted"
    assert fit(folder, fitted.name, **options).exit_code == 0
    line = [f"--{name}={folder / name}" for name in ("generator", "classifier", "labels", "truth")]
    line += [f"--edits={fitted / 'edits.json'}", f"--out={folder / out}"]
    line += [f"--artifacts={artifacts}", "--normals=3", "--device=cpu", "--threads=1", "--batch=3"]
    line += ["--precision=float32", "--no-channels_last"]
    return CliRunner().invoke(main, line)


def pixels(folder: Path) -> torch.Tensor:
    return torch.cat(list(open_images(folder).batches(100)))


def test_no_unit_gives_the_generators_own_images_bit_for_bit(folder) -> None:
    result = correct(folder, "none", corrector="ablation", layer="layer2", n="0")
    assert result.exit_code == 0, result.output
    for name, first, count in (("artifacts", 0, 4), ("normals", 1, 3)):
        ids = IDS[first::2][:count]
        assert open_images(folder / "none" / name).ids.tolist() == ids.tolist()
        own = torch.cat(list(placing.sample(load_generator(folder / "generator"), ids, 3)))
        assert torch.equal(pixels(folder / "none" / name), own)


def test_the_images_are_those_of_the_written_edits_and_of_the_same_ids(folder) -> None:
    options = {"corrector": "sequential", "stop": "3", "n": "2", "scale": "0.5"}
    assert correct(folder, "one", corrector="ablation", layer="layer2", n="2").exit_code == 0
    assert correct(folder, "seq", **options).exit_code == 0
    generator = load_generator(folder / "generator")
    for out in ("one", "seq"):
        found = open_images(folder / out / "artifacts")
        assert found.ids.tolist() == IDS[::2][:4].tolist()
        correction = read_corrections(folder / f"{out}-fitted" / "edits.json")
        own = torch.cat(list(corrected(generator, found.ids, 3, correction=correction)))
        assert torch.equal(pixels(folder / out / "artifacts"), own)
    assert not torch.equal(
        pixels(folder / "one" / "artifacts"), pixels(folder / "seq" / "artifacts")
    )


def test_every_repeat_has_its_own_edits_and_images_of_the_same_ids(folder) -> None:
    options = {"corrector": "ablation", "layer": "layer3", "n": "1", "ranking": "drawn"}
    assert correct(folder, "drawn", **options).exit_code == 0
    edits = [read_corrections(folder / "drawn-fitted" / "edits.json", repeat) for repeat in (0, 1)]
    assert [e.layers["layer3"] for e in edits] == [Scale((0,), (0.0,)), Scale((3,), (0.0,))]
    found = open_images(folder / "drawn" / "artifacts")
    assert found.repeats.tolist() == [0] * 4 + [1] * 4
    assert found.ids.tolist() == IDS[::2][:4].tolist() * 2
    assert not torch.equal(found.take(found.ids[:4], 0), found.take(found.ids[:4], 1))


def test_a_gate_leaves_what_the_classifier_does_not_call_an_artifact(folder) -> None:
    options = {"corrector": "ablation", "layer": "layer3", "n": "2"}
    assert correct(folder, "all", **options).exit_code == 0
    assert correct(folder, "none", **options | {"n": "0"}).exit_code == 0
    plain, ablated = pixels(folder / "none" / "artifacts"), pixels(folder / "all" / "artifacts")
    classify = classifying(folder / "classifier", torch.device("cpu"))
    likely = classify(plain).softmax(1)[:, 0]
    gate = float(likely.sort().values[1:3].mean())  # between the second and the third of four
    assert correct(folder, "gated", gate=str(gate), **options).exit_code == 0
    found, passes = pixels(folder / "gated" / "artifacts"), likely >= gate
    assert torch.equal(found[~passes], plain[~passes])
    assert (found[passes].int() - ablated[passes].int()).abs().max() <= 1  # another batch
    assert not torch.equal(found, plain)
    assert read_corrections(folder / "gated-fitted" / "edits.json").gate == gate


def test_every_kind_of_correction_is_one_of_the_step(folder) -> None:
    made = {
        "clip": {"stop": "3", "n": "2"},
        "shrink": {"stop": "3", "n": "2"},
        "rare_neurons": {"stop": "3"},
        "feature_proliferation": {"stop": "3"},
        "truncation": {"bound": "0.5"},
        "boundary": {},
        "rejection": {},
    }
    for name, options in made.items():
        result = correct(folder, name, corrector=name, **options)
        assert result.exit_code == 0, result.output
        assert open_images(folder / name / "artifacts").ids.tolist() == IDS[::2][:4].tolist()
    assert read_corrections(folder / "truncation-fitted" / "edits.json").latent == Truncate(0.5)


def test_it_writes_the_same_bytes_again(folder) -> None:
    for out in "ab":
        assert correct(folder, out, corrector="ablation", layer="layer1", n="1").exit_code == 0
    files = [f.relative_to(folder / "a") for f in (folder / "a").rglob("*") if f.is_file()]
    assert len(files) == 2
    for file in files:
        assert (folder / "a" / file).read_bytes() == (folder / "b" / file).read_bytes()


def test_too_few_generations_are_said_in_one_line_and_nothing_is_written(folder) -> None:
    result = correct(folder, "out", "6", corrector="ablation", layer="layer1", n="1")
    assert result.exit_code == 1
    assert "5 of 10 held-out generations are artifact, 6 are asked for" in result.output
    assert result.output.count("\n") == 1
    assert not (folder / "out").exists()
