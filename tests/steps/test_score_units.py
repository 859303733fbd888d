from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import save_file

from artifact_units.classifier.heatmaps import HeatmapSet, write_heatmaps
from artifact_units.files.tables import read_table, write_table
from artifact_units.units.histograms import Histogram, write_histograms
from artifact_units.units.survey import write_maxima
from steps.score_units import main

UNITS = {"layer2": 3, "layer10": 2}


@pytest.fixture
def folder(tmp_path) -> Path:
    """Eight labelled generations; unit 1 of layer2 is on just where the artifacts' masks are."""
    generator = torch.Generator().manual_seed(0)
    ids, splits = np.arange(8), ["train"] * 6 + ["validation", "test"]
    labels = ["artifact", "normal"] * 4
    columns = {"id": ids, "label": labels, "split": splits, "raters": [1] * 8}
    write_table(tmp_path / "labels", "labels", columns)
    heatmaps = (torch.rand(8, 4, 4, generator=generator) > 0.6).float()
    write_heatmaps(
        tmp_path / "heatmaps", {"labelled": HeatmapSet(ids, torch.zeros(8, 3), heatmaps)}
    )
    collected, tensors = ids[:7], {"ids": torch.arange(7)}
    histograms, maxima = {}, {}
    for name, units in UNITS.items():
        tensors[name] = torch.rand(7, units, 4, 4, generator=generator).half()
        unlabelled = torch.rand(9, units, 4, 4, generator=generator).half()
        histograms[name] = Histogram.empty(units)
        histograms[name].add(unlabelled)
        maxima[name] = unlabelled.amax((2, 3)).float()
    artifact = torch.from_numpy(collected % 2 == 0)[:, None, None]
    tensors["layer2"][:, 1] = torch.where(artifact, heatmaps[:7] * 2, 0).half()
    write_histograms(tmp_path / "maps" / "histograms.parquet", histograms)
    write_maxima(tmp_path / "maps" / "maxima.parquet", np.arange(9), maxima)
    (tmp_path / "maps" / "featuremaps").mkdir()
    save_file(tensors, tmp_path / "maps" / "featuremaps" / "00000.safetensors")
    for name, count in (("unlabelled", 9), ("reals", 6)):
        features = torch.randn(count, 2, generator=generator).numpy()
        rows = {"id": np.arange(count), "repeat": np.zeros(count), "features": list(features)}
        notes = {"extractor": "scene", "dim": "2"}
        write_table(tmp_path / "features" / f"{name}.parquet", "features", rows, notes)
    return tmp_path


def score(folder: Path, ranking: str, out: str = "scores", **changed: str) -> Result:
    options = {"ranking": ranking, "mask_threshold": "0.5"}
    paths = {
        "featuremaps": "maps",
        "heatmaps": "heatmaps",
        "labels": "labels",
        "features": "features",
    }
    line = [text for name, file in paths.items() for text in (f"--{name}", str(folder / file))]
    line += ["--out", str(folder / out), "--quantile", "0.9", "--iou_px", "4", "--bootstrap", "20"]
    line += ["--seed", "0", "--device", "cpu", "--threads", "1", "--batch", "4"]
    line += ["--precision", "float32", "--no-channels_last"]
    line += [text for name, value in (options | changed).items() for text in (f"--{name}", value)]
    return CliRunner().invoke(main, line)


def scores_of(folder: Path, ranking: str, **changed: str) -> Any:
    result = score(folder, ranking, "found.parquet", **changed)
    assert result.exit_code == 0, result.output
    return pd.DataFrame(read_table(folder / "found.parquet", "scores").to_pydict())


def test_a_table_holds_a_ranking_of_every_unit(folder) -> None:
    table = scores_of(folder, "defective_score")
    assert table["ranking"].unique().tolist() == ["found"]  # the file's name
    assert list(zip(table["layer"], table["unit"], strict=True)) == [
        *(("layer2", unit) for unit in range(3)),
        *(("layer10", unit) for unit in range(2)),
    ]
    best = table[(table["layer"] == "layer2") & (table["rank"] == 1)].iloc[0]
    # Unit 1 is on exactly where the mask is, in each of the four artifacts collected.
    assert (best["unit"], best["score"], best["images"]) == (1, 1.0, 4)
    assert best["chance_iou"] < best["mean_iou"] == 1.0
    assert (best["score_low"], best["score_high"]) == (1.0, 1.0)


def test_a_ranking_that_draws_has_repeats_and_looks_at_no_mask(folder) -> None:
    table = scores_of(folder, "random_order", repeats="2")
    first, second = table.groupby("repeat")["score"].apply(list)
    assert len(table) == 2 * (3 + 2)
    assert first != second
    assert table["mean_iou"].isna().all()


def test_it_writes_the_same_bytes_again(folder) -> None:
    (folder / "again").mkdir()
    for out in ("ds.parquet", "again/ds.parquet"):
        assert score(folder, "defective_score", out).exit_code == 0
    assert (folder / "ds.parquet").read_bytes() == (folder / "again/ds.parquet").read_bytes()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"top": "3"}, "defective_score has no option 'top'"),
        ({"ranking": "defectiv_score"}, "did you mean 'defective_score'?"),
        ({"repeats": "0"}, "repeats is 0"),
        ({"mask_threshold": "1.0"}, "none of 4 artifact generations has a mask"),
    ],
)
def test_what_cannot_be_scored_is_said_in_one_line_and_nothing_is_written(
    folder, changed, said
) -> None:
    result = score(folder, **{"ranking": "defective_score"} | changed)
    assert result.exit_code != 0
    assert said in result.output
    assert result.output.count("\n") == 1
    assert not (folder / "scores").exists()


def test_labels_that_do_not_belong_to_the_featuremaps_are_refused(folder) -> None:
    columns = {"id": [0], "label": ["artifact"], "split": ["train"], "raters": [1]}
    write_table(folder / "labels", "labels", columns)
    assert "has no label for generation 1; collect" in score(folder, "defective_score").output
