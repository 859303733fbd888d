"""The step reads a run's results, says first what it costs, and writes one table."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from click.testing import CliRunner, Result
from safetensors.torch import save_file
from small_generator import smaller_generator
from small_known import write_scores
from small_run import SMALL

from artifact_units.files.tables import write_table
from artifact_units.generators import save_generator
from artifact_units.images.image_sets import write_images
from artifact_units.images.latents import latents_of
from artifact_units.layers.hooks import featuremaps_of
from artifact_units.layers.placing import sample
from artifact_units.survey.finding import findings, read_survey, sentence
from steps.survey_units import main

ROOT = Path(__file__).parents[2]
IDS, COLLECTED, REALS = np.arange(80), 40, 20
ASKED = {"images": 3, "candidates": 33, "sizes": 2, "confirmed": 2, "bootstrap": 1000}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run of a small generator, whose brighter half is called artifacts."""
    made = tmp_path_factory.mktemp("run")
    results, generator = made / "results", smaller_generator()
    save_generator(made / "generator", generator)
    images = torch.cat(list(sample(generator, IDS, 20)))
    write_images(results / "sample_generations" / "labelled", IDS, iter([images]))
    reals = torch.randint(0, 255, (REALS, *images.shape[1:])).byte()
    write_images(results / "read_reals", range(REALS), iter([reals]))
    shades = images.float().mean((1, 2, 3))
    label = np.where(shades > shades.median(), "artifact", "normal").tolist()
    split = ["train", "train", "validation", "test"] * 20
    columns = {"id": IDS, "label": label, "split": split, "raters": [1] * len(IDS)}
    write_table(results / "label_generations" / "labels.parquet", "labels", columns)
    layers = ["layer1", "layer2", "layer3"]
    maps = featuremaps_of(generator, latents_of(IDS[:COLLECTED], 8), layers)
    tensors = {name: m.half().contiguous() for name, m in maps.items()}
    stored = results / "collect_featuremaps" / "featuremaps"
    stored.mkdir(parents=True)
    save_file({**tensors, "ids": torch.from_numpy(IDS[:COLLECTED])}, stored / "00000.safetensors")
    write_scores(results / "score_units")
    (results / "score_units" / "fixed.parquet").rename(
        results / "score_units" / "defective_score.parquet"
    )
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    for place, value in {**SMALL, "train_classifier.reals": REALS, "run.threads": 1}.items():
        *parents, key = place.split(".")
        reduce(lambda section, name: section[name], parents, values)[key] = value
    (made / "labels.jsonl").touch()
    paths = {"generator": "generator", "reals": "results/read_reals", "labels": "labels.jsonl"}
    values["inputs"] |= {name: str(made / path) for name, path in paths.items()}
    (made / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    return made


def survey(folder: Path, out: str, **changed: str | int) -> Result:
    line = [f"--{name}={folder / name}" for name in ("generator", "results")]
    line += [f"--params={folder / 'params.yaml'}", f"--out={folder / out}"]
    return CliRunner().invoke(
        main, [*line, *(f"--{k}={v}" for k, v in {**ASKED, **changed}.items())]
    )


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_it_says_what_it_costs_before_and_what_it_found_after(folder) -> None:
    done = survey(folder, "out")
    assert done.exit_code == 0, done.output
    first, last = done.output.splitlines()
    # Two units of each of two layers, and of both; eight units by themselves; each in three ways.
    # Then the best together, in each way.
    assert "at most 36 candidates on 6 generations each, then 3 on" in first
    assert first.endswith("edited generations; two classifiers learn first")
    found = read_survey(folder / "out")
    (one,) = findings(found)
    assert last.endswith(f": {sentence(found, one)}")
    assert 33 <= found.tried <= 36
    assert found.left_out == 0
    assert {e.half for e in found.effects} == {"screen", "confirm"}
    assert 2 <= sum(e.half == "confirm" for e in found.effects) <= 3


def test_candidates_that_are_too_many_are_left_out_and_counted(folder) -> None:
    done = survey(folder, "few", candidates=10)
    assert "13 candidates (23 left out) on 6 generations each" in done.output
    assert read_survey(folder / "few").left_out == 23


def test_only_the_layers_asked_for_are_edited(folder) -> None:
    assert survey(folder, "one", layers="layer2").exit_code == 0
    assert all(e.units.startswith('{"layer2"') for e in read_survey(folder / "one").effects)


def test_it_writes_the_same_bytes_again(folder) -> None:
    assert survey(folder, "a").exit_code == survey(folder, "b").exit_code == 0
    assert (folder / "a").read_bytes() == (folder / "b").read_bytes()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"layers": "layer9"},
            "layer9 has no scores by defective_score; there are layer1, layer2, layer3",
        ),
        ({"images": 1}, "images is 1; it takes a whole number, at least 2"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(folder, changed, said) -> None:
    done = survey(folder, "not", **changed)
    assert done.exit_code == 1
    assert said in done.output
    assert done.output.count("\n") == 1
    assert not (folder / "not").exists()
