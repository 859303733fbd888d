from __future__ import annotations

import numpy as np
import pytest
import torch

from artifact_units import registry
from artifact_units.errors import UserError
from artifact_units.units import scoring
from artifact_units.units.evidence import Evidence, UnitScores
from artifact_units.units.ranked import read_ranking, read_scores
from artifact_units.units.scoring import RankingPlan
from artifact_units.units.sources import Sources


class TwoLayers(Sources):
    """Sources without files: two layers of which nothing is known but their names."""

    def __init__(self) -> None:
        pass

    @property
    def layers(self) -> list[str]:
        return ["layer2", "layer10"]

    def evidence(self, layer: str, *, quantile: float, seed: int) -> Evidence:
        return Evidence(
            layer=layer,
            ids=np.arange(2),
            artifact=np.array([True, False]),
            featuremaps=torch.zeros(2, 3, 1, 1).half(),
            masks=torch.zeros(2, 4, 4, dtype=torch.bool),
            thresholds=torch.zeros(3),
            maxima=torch.zeros(1, 3),
            unlabelled=torch.zeros(1, 2),
            reals=torch.zeros(1, 2),
            seed=seed,
            repeat=0,
        )


@pytest.fixture
def calls(monkeypatch) -> list[tuple[str, int]]:
    """What was computed; the stand-in scores units 0, 4, 2 (plus the repeat)."""
    made = []

    def score(evidence, *, nan: bool = False):
        made.append((evidence.layer, evidence.repeat))
        values = np.array([0.0, np.nan if nan else 4.0, 2.0]) + evidence.repeat
        return UnitScores(score=values, per_image=np.stack([values - 1, values + 1]), images=2)

    monkeypatch.setattr(registry, "take", lambda _shelf, _name: score)
    return made


def columns(plan, name: str = "a", bootstrap: int = 0) -> dict:
    return scoring.score_layers(TwoLayers(), name, plan, quantile=0.9, bootstrap=bootstrap, seed=0)


def test_rows_go_by_repeat_network_order_and_unit(calls, tmp_path) -> None:
    found = columns(RankingPlan("some", repeats=2))
    keys = zip(found["ranking"], found["repeat"], found["layer"], found["unit"], strict=True)
    assert list(keys) == [
        ("a", repeat, layer, unit)
        for repeat in (0, 1)
        for layer in ("layer2", "layer10")
        for unit in range(3)
    ]
    scoring.write_scores(tmp_path / "a.parquet", found)
    first, second = read_ranking(tmp_path / "a.parquet")
    assert list(first) == ["layer2", "layer10"]
    assert first["layer2"].order.tolist() == [1, 2, 0]
    assert first["layer2"].score.tolist() == [0, 4, 2]
    assert second["layer10"].score.tolist() == [1, 5, 3]


def test_the_tables_of_several_rankings_are_read_as_one(calls, tmp_path) -> None:
    for name in ("b", "a"):
        found = columns(RankingPlan("some"), name)
        scoring.write_scores(tmp_path / f"{name}.parquet", found)
    assert (
        read_scores([tmp_path / "a.parquet", tmp_path / "b.parquet"])["ranking"].to_pylist()
        == ["a"] * 6 + ["b"] * 6
    )
    with pytest.raises(UserError, match="there is no table of scores; run score_units"):
        read_scores([])


def test_intervals_are_there_only_where_they_were_asked_for(calls) -> None:
    plan = RankingPlan("some")
    assert np.isnan(columns(plan)["score_low"]).all()
    found = columns(plan, bootstrap=50)
    assert (found["score_low"] < found["score"]).all()
    assert (found["score"] < found["score_high"]).all()


def test_a_score_that_is_not_finite_names_ranking_layer_and_unit(calls) -> None:
    with pytest.raises(UserError, match="some: the score of layer2 unit 1 is not finite"):
        columns(RankingPlan("some", options={"nan": True}))


def test_equal_scores_are_ranked_by_unit() -> None:
    assert scoring.rank_of(np.array([0.5, 0.9, 0.5, 0.9])).tolist() == [3, 1, 4, 2]


def test_the_interval_is_that_of_means_over_drawn_images() -> None:
    per_image = np.random.RandomState(1).random_sample((20, 3))
    low, high = scoring.interval(per_image, 400, seed=5)
    stream, means = np.random.RandomState(5), []
    for _ in range(400):
        counts = stream.multinomial(20, np.full(20, 1 / 20))
        means.append(np.repeat(per_image, counts, axis=0).mean(0))
    assert np.allclose(np.quantile(means, [0.025, 0.975], axis=0), [low, high])
    # About 2 standard errors either side of the mean.
    error = per_image.std(0) / np.sqrt(20)
    assert np.allclose((high - low) / error, 3.9, atol=0.6)


def test_a_ranking_that_a_gpu_has_no_room_for_is_named_with_its_layer(monkeypatch) -> None:
    def full(_evidence):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(registry, "take", lambda _shelf, _name: full)
    said = r"no room for some of layer2, which needs 2\.15 GB.*collect_featuremaps\.images"
    with pytest.raises(UserError, match=said):
        columns(RankingPlan("some"))
