from __future__ import annotations

import numpy as np
import pytest
import torch
from small_generator import small_generator

from artifact_units.errors import UserError
from artifact_units.files.parts import Shards, each
from artifact_units.files.tables import matrix_of, read_table
from artifact_units.units import collection, survey
from artifact_units.units.histograms import MOST


@pytest.fixture
def generator():
    return small_generator([6, 6, 4, 4], deviation=0.3)


def test_maxima_are_spatial_maxima_and_are_read_back(tmp_path, generator) -> None:
    ids = np.arange(5)
    layers = collection.in_network_order(generator, ["layer1", "layer3"])
    parts = survey.survey_parts(generator, layers, ids, batch=2)
    histograms, maxima = survey.merged(each(parts, tmp_path / "out", None), layers)
    batches = list(collection.featuremaps_by_batch(generator, layers, ids, 2))
    whole = torch.cat([maps["layer3"] for maps in batches])
    assert torch.equal(maxima["layer3"], whole.flatten(2).float().amax(2))
    assert histograms["layer3"].counts.sum(1).tolist() == [5 * 64] * 4
    survey.write_maxima(tmp_path / "m", ids, maxima)
    table = read_table(tmp_path / "m", "maxima")
    assert table["id"].to_pylist() == [0, 1, 2, 3, 4] * 2
    rows = table.filter(np.array(table["layer"].to_pylist()) == "layer3")
    assert np.array_equal(matrix_of(rows["maxima"]), maxima["layer3"].numpy())


def test_the_parts_of_shards_merge_into_the_very_tables_of_one_process(
    tmp_path, generator, monkeypatch
) -> None:
    monkeypatch.setattr(survey, "PART", 3)
    ids = np.arange(8)
    layers = collection.in_network_order(generator, ["layer2", "layer3"])
    parts = survey.survey_parts(generator, layers, ids, batch=2)
    assert len(parts) == 3  # of 3, 3 and 2 generations
    assert [Shards(tmp_path / "parts", (k, 2)).compute(parts) for k in (1, 0)] == [1, 2]
    for name, done in (("one", None), ("two", tmp_path / "parts")):
        survey.write_survey(tmp_path / name, layers, ids, each(parts, tmp_path / name, done))
    for table in ("histograms.parquet", "maxima.parquet"):
        one, two = ((tmp_path / name / table).read_bytes() for name in ("one", "two"))
        assert one == two


def test_more_values_than_a_histogram_holds_are_refused(generator) -> None:
    layers = collection.in_network_order(generator, ["layer3"])  # 64 values a unit and generation
    many = range(MOST // 64 + 1)
    with pytest.raises(UserError, match=f"lower sample_generations.unlabelled to {MOST // 64}"):
        survey.survey_parts(generator, layers, many, 100)
