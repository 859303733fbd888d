from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from small_known import CHOSEN, IDS, PATHS, write_known

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


def correct(folder: Path, out: str, **changed: str) -> Result:
    options = {"artifacts": "4", "normals": "3", "ranking": "fixed"} | changed
    line = [f"--{name}={folder / name}" for name in (*PATHS, "choice", "truth") if name != "scores"]
    line += [f"--scores={folder / 'scores' / options['ranking']}.parquet"]
    line += [f"--out={folder / out}", "--device=cpu", "--threads=1", "--batch=3"]
    line += ["--precision=float32", "--no-channels_last"]
    line += [text for name, value in options.items() for text in (f"--{name}", value)]
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
        correction = read_corrections(folder / out / "edits.json")
        own = torch.cat(list(corrected(generator, found.ids, 3, correction=correction)))
        assert torch.equal(pixels(folder / out / "artifacts"), own)
    assert not torch.equal(
        pixels(folder / "one" / "artifacts"), pixels(folder / "seq" / "artifacts")
    )
    # Scores .8 and .6 of the two worst: 0.5 * (1 - .8) and 0.5 * (1 - .6).
    assert list(correction.layers) == ["layer1", "layer2", "layer3"]
    edit = correction.layers["layer3"]
    assert isinstance(edit, Scale)
    assert edit.units == (0, 1)
    assert edit.factors == pytest.approx((0.1, 0.2))


def test_every_repeat_has_its_own_edits_and_images_of_the_same_ids(folder) -> None:
    options = {"corrector": "ablation", "layer": "layer3", "n": "1", "ranking": "drawn"}
    assert correct(folder, "drawn", **options).exit_code == 0
    edits = [read_corrections(folder / "drawn" / "edits.json", repeat) for repeat in (0, 1)]
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
    assert read_corrections(folder / "gated" / "edits.json").gate == gate


def test_every_kind_of_correction_is_one_of_the_step(folder) -> None:
    made = {
        "clip": {"stop": "3", "n": "2"},
        "shrink": {"stop": "3", "n": "2"},
        "rare_neurons": {"stop": "3"},
        "feature_proliferation": {"stop": "3"},
        "truncation": {"bound": "0.5"},
        "boundary": {},
        "rejection": {},
        "chosen": {},
    }
    for name, options in made.items():
        result = correct(folder, name, corrector=name, **options)
        assert result.exit_code == 0, result.output
        assert open_images(folder / name / "artifacts").ids.tolist() == IDS[::2][:4].tolist()
    assert read_corrections(folder / "truncation" / "edits.json").latent == Truncate(0.5)
    assert read_corrections(folder / "chosen" / "edits.json") == CHOSEN


def test_it_writes_the_same_bytes_again(folder) -> None:
    for out in "ab":
        assert correct(folder, out, corrector="ablation", layer="layer1", n="1").exit_code == 0
    files = [f.relative_to(folder / "a") for f in (folder / "a").rglob("*") if f.is_file()]
    assert len(files) == 3
    for file in files:
        assert (folder / "a" / file).read_bytes() == (folder / "b" / file).read_bytes()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"artifacts": "6"}, "5 of 10 held-out generations are artifact, 6 are asked for"),
        ({"corrector": "ablaton"}, "did you mean 'ablation'?"),
        ({"layer": "layer4"}, "layer4 has no scores; there are layer1, layer2, layer3"),
        ({"n": "5"}, "n is 5; layer1 has 4 units"),
        ({"scale": "1.0"}, "ablation has no option 'scale'"),
    ],
)
def test_what_cannot_be_corrected_is_said_in_one_line_and_nothing_is_written(
    folder, changed, said
) -> None:
    options = {"corrector": "ablation", "layer": "layer1", "n": "1"} | changed
    result = correct(folder, "out", **options)
    assert result.exit_code == 1
    assert said in result.output
    assert result.output.count("\n") == 1
    assert not (folder / "out").exists()
