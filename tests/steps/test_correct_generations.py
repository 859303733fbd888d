from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from artifact_units import compute
from artifact_units.edits import revive
from artifact_units.generators import as_generator, load_generator, save_generator
from artifact_units.generators.pggan import PGGAN
from artifact_units.heatmaps import HeatmapSet, write_heatmaps
from artifact_units.hooks import edited
from artifact_units.images import open_images
from artifact_units.tables import write_table
from steps.correct_generations import main

IDS = np.arange(2_000_000, 2_000_010)


@pytest.fixture
def folder(tmp_path) -> Path:
    torch.manual_seed(0)
    network = PGGAN(8, [6, 6, 4, 4])
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    save_generator(tmp_path / "generator", as_generator(network))
    # Even held-out ids are artifacts, odd ones normal, with probability .98.
    logits = torch.tensor([[5.0, 0, 0], [0, 5, 0]]).repeat(5, 1)
    heldout = HeatmapSet(IDS, logits, torch.zeros(10, 2, 2))
    write_heatmaps(tmp_path / "heatmaps", {"heldout": heldout})
    # Ranking "fixed": one repeat, unit 0 the worst; "drawn": two, the second with unit 3 the worst.
    rows = [("drawn", r, f"layer{k}", u) for r in (0, 1) for k in (1, 2, 3) for u in range(4)]
    rows += [("fixed", 0, f"layer{k}", u) for k in (1, 2, 3) for u in range(4)]
    ranking, repeat, layer, unit = (list(column) for column in zip(*rows, strict=True))
    rank = [u + 1 if r == 0 else 4 - u for _, r, _, u in rows]
    columns = {"ranking": ranking, "repeat": repeat, "layer": layer, "unit": unit, "rank": rank}
    columns |= {name: [1 - 0.2 * r for r in rank] for name in ("score", "normalised_score")}
    unknown = ("mean_iou", "chance_iou", "score_low", "score_high")
    columns |= {name: [float("nan")] * len(rows) for name in unknown}
    write_table(tmp_path / "scores", "scores", columns | {"images": [0] * len(rows)})
    return tmp_path


def correct(folder: Path, out: str, **changed: str) -> Result:
    options = {"artifacts": "4", "normals": "3", "confidence": "0.9", "ranking": "fixed"} | changed
    line = [f"--{name}={folder / name}" for name in ("generator", "scores", "heatmaps")]
    line += [f"--out={folder / out}", "--device=cpu", "--threads=1", "--batch=3"]
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
        own = torch.cat(list(compute.sample(load_generator(folder / "generator"), ids, 3)))
        assert torch.equal(pixels(folder / "none" / name), own)


def test_the_images_are_those_of_the_written_edits_and_of_the_same_ids(folder) -> None:
    options = {"corrector": "sequential", "stop": "3", "n": "2", "scale": "0.5"}
    assert correct(folder, "one", corrector="ablation", layer="layer2", n="2").exit_code == 0
    assert correct(folder, "seq", **options).exit_code == 0
    generator = load_generator(folder / "generator")
    for out in ("one", "seq"):
        found = open_images(folder / out / "artifacts")
        assert found.ids.tolist() == IDS[::2][:4].tolist()
        (edits,) = [revive(e) for e in json.loads((folder / out / "edits.json").read_text())]
        with edited(generator, edits):
            own = torch.cat(list(compute.sample(generator, found.ids, 3)))
        assert torch.equal(pixels(folder / out / "artifacts"), own)
    assert not torch.equal(
        pixels(folder / "one" / "artifacts"), pixels(folder / "seq" / "artifacts")
    )
    # Scores .8 and .6 of the two worst: 0.5 * (1 - .8) and 0.5 * (1 - .6).
    assert list(edits) == ["layer1", "layer2", "layer3"]
    assert edits["layer3"].units == (0, 1)
    assert edits["layer3"].factors == pytest.approx((0.1, 0.2))


def test_every_repeat_has_its_own_edits_and_images_of_the_same_ids(folder) -> None:
    options = {"corrector": "ablation", "layer": "layer3", "n": "1", "ranking": "drawn"}
    assert correct(folder, "drawn", **options).exit_code == 0
    edits = json.loads((folder / "drawn" / "edits.json").read_text())
    assert [e["layer3"]["units"] for e in edits] == [[0], [3]]
    found = open_images(folder / "drawn" / "artifacts")
    assert found.repeats.tolist() == [0] * 4 + [1] * 4
    assert found.ids.tolist() == IDS[::2][:4].tolist() * 2
    assert not torch.equal(found.take(found.ids[:4], 0), found.take(found.ids[:4], 1))


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
        ({"artifacts": "6"}, "5 of 10 held-out generations are artifact with confidence 0.9, 6"),
        ({"ranking": "fixd"}, "holds no ranking 'fixd'; did you mean 'fixed'?"),
        ({"corrector": "ablaton"}, "did you mean 'ablation'?"),
        ({"layer": "layer4"}, "layer4 has no scores; there are layer1, layer2, layer3"),
        ({"n": "5"}, "n is 5; layer1 has 4 units"),
        ({"scale": "1.0"}, "ablation has no option 'scale'"),
        ({"confidence": "1.5"}, "confidence is 1.5; "),
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
