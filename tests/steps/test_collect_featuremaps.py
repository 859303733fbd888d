from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from small_generator import smaller_generator

from artifact_units.files.tables import read_table, write_table
from artifact_units.generators import load_generator, save_generator
from artifact_units.units.featuremaps import read_ids
from steps.collect_featuremaps import main


@pytest.fixture
def folder(tmp_path) -> Path:
    save_generator(tmp_path / "generator", smaller_generator())
    columns = {
        "id": list(range(12)),
        "label": ["artifact", "normal"] * 6,
        "split": ["train", "validation", "test"] * 4,
        "raters": [1] * 12,
    }
    write_table(tmp_path / "labels", "labels", columns)
    return tmp_path


def collect(folder: Path, out: str = "out", **changed: str) -> Result:
    options = {"images": "3", "limit_gb": "0.1", "layers": "layer3", "unlabelled": "7"} | changed
    line = [
        "--generator",
        folder / "generator",
        "--labels",
        folder / "labels",
        "--out",
        folder / out,
    ]
    line += ["--layers", "layer1", "--device", "cpu", "--threads", "1", "--batch", "4"]
    line += ["--precision", "float32", "--no-channels_last"]
    line += [text for name, value in options.items() for text in (f"--{name}", value)]
    return CliRunner().invoke(main, [str(text) for text in line])


def test_it_collects_asked_layers_of_labelled_generations_outside_the_test_split(folder) -> None:
    result = collect(folder)
    assert result.exit_code == 0, result.output
    # Not 2, 5, 8, 11 (test); of the even (artifact) 0, 4, 6 and of the odd 1, 3, 7 come first.
    assert read_ids(folder / "out" / "featuremaps").tolist() == [0, 1, 3, 4, 6, 7]
    histograms = read_table(folder / "out" / "histograms.parquet", "histograms")
    assert histograms["layer"].to_pylist() == ["layer1"] * 6 + ["layer3"] * 4
    maxima = read_table(folder / "out" / "maxima.parquet", "maxima")
    assert maxima["id"].to_pylist() == list(range(1_000_000, 1_000_007)) * 2
    # 6 generations of 6 x 4 x 4 + 4 x 8 x 8 values, two bytes each: 4,224 bytes.
    assert "will write 0.0 MB of featuremaps: 6 generations, 2 layers" in result.output


def test_it_writes_the_same_bytes_again(folder) -> None:
    assert collect(folder, "a").exit_code == collect(folder, "b").exit_code == 0
    files = [f.relative_to(folder / "a") for f in (folder / "a").rglob("*") if f.is_file()]
    assert len(files) == 3
    for file in files:
        assert (folder / "a" / file).read_bytes() == (folder / "b" / file).read_bytes()


def test_shards_write_parts_alone_and_the_step_gathers_the_very_bytes(folder, monkeypatch) -> None:
    monkeypatch.setattr(
        "artifact_units.units.collection.SHARD", 4
    )  # two parts, of 4 + 2 generations
    monkeypatch.setattr("artifact_units.units.survey.PART", 3)  # three, of 3 + 3 + 1
    assert collect(folder, "one").exit_code == 0
    for share in ("1/2", "0/2"):
        result = collect(folder, "two", shard=share, shards=str(folder / "parts"))
        assert result.exit_code == 0, result.output
    assert not (folder / "two").exists()
    written = {f.name: f.stat().st_ino for f in (folder / "parts/featuremaps").iterdir()}
    monkeypatch.setenv("STEP_SHARDS", str(folder / "parts"))
    assert collect(folder, "two").exit_code == 0
    files = [f.relative_to(folder / "one") for f in (folder / "one").rglob("*") if f.is_file()]
    assert len(files) == 4
    for file in files:
        assert (folder / "one" / file).read_bytes() == (folder / "two" / file).read_bytes()
    taken = folder / "two/featuremaps/00001.safetensors"
    assert taken.stat().st_ino == written[taken.name]  # a link: it was not computed again


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"shard": "2/2", "shards": "parts"}, "'2/2' is no shard; of 2 there are 0 … 1"),
        ({"shard": "two", "shards": "parts"}, "'two' is no shard; it takes i/n, such as 0/4"),
        ({"shard": "0/2"}, "--shard needs --shards, the folder of its parts"),
    ],
)
def test_a_shard_that_is_none_is_said_in_one_line(folder, changed, said) -> None:
    result = collect(folder, **changed)
    assert result.exit_code != 0
    assert said in result.output
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        # Six generations of 704 bytes, of which layer1 takes 192.
        ({"limit_gb": "2e-6"}, "take 4.22e-06 GB, the limit_gb of collect_featuremaps is 2e-06"),
        ({"layers": "layer9"}, "layer 'layer9' is not in this generator; it has layer1 … layer4"),
        ({"images": "0"}, "images is 0; "),
    ],
)
def test_what_cannot_be_collected_is_said_in_one_line_and_nothing_is_written(
    folder, changed, said
) -> None:
    result = collect(folder, **changed)
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert said in result.output
    assert not (folder / "out").exists()


def test_an_overflowing_unit_is_named_with_its_layer_and_generation(folder) -> None:
    generator = load_generator(folder / "generator")
    generator.network.get_parameter("layer3.bias")[2] = 1e5  # above 65,504
    save_generator(folder / "generator", generator)
    result = collect(folder)
    assert result.exit_code == 1
    assert "Error: layer3 unit 2 of generation 1000000 is NaN or beyond half" in result.output
    assert not (folder / "out").exists()
