from __future__ import annotations

import pytest
import torch
from click.testing import CliRunner

from artifact_units.extractors.scene import SceneEncoder, save_encoder
from artifact_units.images.features import read_features
from artifact_units.images.image_sets import write_images
from steps import extract_features, extract_reference_features


def pixels(count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(count)
    return torch.randint(0, 256, (count, 3, 16, 16), generator=generator).byte()


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    save_encoder(tmp_path / "encoder.safetensors", SceneEncoder(3).eval())
    return tmp_path / "encoder.safetensors"


def run(step, weights, reals=2, batch=3, extractor="scene", **paths):
    given = {"extractor": extractor, "weights": weights, "reals": reals, "batch": batch, **paths}
    given |= {"device": "cpu", "threads": 1, "precision": "float32"}
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    return CliRunner().invoke(step.main, [*words, "--no-channels_last"])


def test_both_populations_are_in_one_table(tmp_path, weights) -> None:
    write_images(tmp_path / "g" / "artifacts", [5, 3], iter([pixels(2)]))
    write_images(tmp_path / "g" / "normals", [9], iter([pixels(1)]))
    result = run(extract_features, weights, generations=tmp_path / "g", out=tmp_path / "f")
    assert result.exit_code == 0, result.output
    found = read_features(tmp_path / "f")
    assert (found.extractor, found.ids.tolist()) == ("scene", [5, 3, 9])
    assert found.features.shape == (3, 64)


def test_features_do_not_depend_on_the_batch(tmp_path, weights) -> None:
    for population in ("artifacts", "normals"):
        write_images(tmp_path / "g" / population, range(5), iter([pixels(5)]))
    for batch in (1, 5):
        out = tmp_path / str(batch)
        run(extract_features, weights, batch=batch, generations=tmp_path / "g", out=out)
    one, five = (read_features(tmp_path / name).features for name in "15")
    torch.testing.assert_close(one, five, rtol=1e-4, atol=1e-5)


@pytest.fixture
def inputs(tmp_path):
    write_images(tmp_path / "reals", range(4), iter([pixels(4)]))
    write_images(tmp_path / "g" / "unlabelled", range(3), iter([pixels(3)]))
    for name in ("clean", "reference"):
        write_images(tmp_path / "truth" / name, range(2), iter([pixels(2)]))
    paths = {name: tmp_path / name for name in ("truth", "out")}
    return {"images": tmp_path / "reals", "generations": tmp_path / "g", **paths}


def test_references_without_a_truth_are_reals_and_unlabelled(inputs, weights) -> None:
    result = run(extract_reference_features, weights, **inputs)
    assert result.exit_code == 0, result.output
    written = {path.name for path in inputs["out"].iterdir()}
    assert written == {"reals.parquet", "unlabelled.parquet"}
    assert read_features(inputs["out"] / "reals.parquet").ids.tolist() == [0, 1]


def test_references_with_a_truth_are_four(inputs, weights) -> None:
    (inputs["truth"] / "units.json").write_text("{}")
    assert run(extract_reference_features, weights, **inputs).exit_code == 0
    assert {p.stem for p in inputs["out"].iterdir()} == {
        "reals",
        "unlabelled",
        "clean",
        "reference",
    }


def test_shards_extract_the_very_tables(inputs, weights, tmp_path, monkeypatch) -> None:
    (inputs["truth"] / "units.json").write_text("{}")
    run(extract_reference_features, weights, **inputs)
    one = {file.name: file.read_bytes() for file in inputs["out"].iterdir()}
    inputs["out"] = tmp_path / "again/out"
    for number in range(3):
        given = {"shard": f"{number}/3", "shards": tmp_path / "parts"}
        assert run(extract_reference_features, weights, **inputs, **given).exit_code == 0
    assert not inputs["out"].exists()
    monkeypatch.setattr(SceneEncoder, "forward", None)  # nothing is left to extract
    monkeypatch.setenv("STEP_SHARDS", str(tmp_path / "parts"))
    result = run(extract_reference_features, weights, **inputs)
    assert result.exit_code == 0, result.output
    assert {file.name: file.read_bytes() for file in inputs["out"].iterdir()} == one


def test_fewer_reals_than_asked_for_is_one_line_and_no_output(inputs, weights) -> None:
    result = run(extract_reference_features, weights, reals=5, **inputs)
    assert result.exit_code == 1
    assert "4 images, 5 are asked for" in result.output
    assert not inputs["out"].exists()


def test_an_unknown_extractor_names_those_there_are(inputs, weights) -> None:
    result = run(extract_reference_features, weights, extractor="vgg", **inputs)
    assert result.exit_code == 1
    assert "did you mean 'vgg16'?" in result.output
