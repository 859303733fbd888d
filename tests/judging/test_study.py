"""Which pairs, in which order, on which side."""

import shutil
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from small_judging import ARTIFACTS, CORRECTIONS, COUNTS, NORMALS, study_of, write_sets

from artifact_units.errors import UserError
from artifact_units.images.shards import write_shard
from artifact_units.judging.judgements import Pair
from artifact_units.judging.study import Study, choose_pairs, trials_of

IDS = {"artifacts": range(1000), "normals": range(2000, 2500), "identical": range(1000)}
WANTED = {"artifacts": 200, "normals": 100, "identical": 20}


def test_pairs_are_drawn_by_the_seed_of_every_kind_as_many_as_wanted():
    pairs = choose_pairs(IDS, WANTED, 0)
    assert Counter(pair.kind for pair in pairs) == WANTED
    assert len(set(pairs)) == 320
    assert pairs == choose_pairs(IDS, WANTED, 0)
    assert pairs != choose_pairs(IDS, WANTED, 1)
    assert {pair.id for pair in pairs if pair.kind == "normals"} < set(range(2000, 2500))


def test_where_there_are_fewer_all_are_judged():
    pairs = choose_pairs({"artifacts": range(5)}, {"artifacts": 200}, 0)
    assert sorted(pairs) == [Pair("artifacts", i) for i in range(5)]


def test_of_each_kind_the_correction_is_left_in_half_of_the_pairs():
    trials = trials_of(choose_pairs(IDS, WANTED, 0), "ann", 0)
    sides = Counter((trial.pair.kind, trial.left) for trial in trials)
    assert sides == {(k, side): n // 2 for k, n in WANTED.items() for side in ("before", "after")}


def test_sides_and_kinds_come_in_no_order_that_can_be_learnt():
    trials = trials_of(choose_pairs(IDS, WANTED, 0), "ann", 0)
    lefts = [trial.left for trial in trials]
    changes = sum(a != b for a, b in pairwise(lefts))
    assert 130 < changes < 190  # 160 is what a coin does
    thirds = [{t.pair.kind for t in trials[n : n + 107]} for n in (0, 107, 213)]
    assert thirds == [set(WANTED)] * 3
    ids = [t.pair.id for t in trials if t.pair.kind == "artifacts"]
    assert ids != sorted(ids)


def test_every_rater_has_an_order_and_sides_of_his_own_the_same_at_every_start():
    pairs = choose_pairs(IDS, WANTED, 0)
    ann, bob = trials_of(pairs, "ann", 0), trials_of(pairs, "bob", 0)
    assert ann == trials_of(pairs, "ann", 0)
    assert [t.pair for t in ann] != [t.pair for t in bob]
    sides = {t.pair: t.left for t in ann}
    same = sum(sides[t.pair] == t.left for t in bob)
    assert 120 < same < 200


def test_the_pictures_are_those_of_their_kind_and_side(tmp_path):
    write_sets(tmp_path)
    study = study_of(tmp_path)
    artifact, control = Pair("artifacts", 100), Pair("control", 100)
    before, after = (study.png(artifact, side) for side in ("before", "after"))
    assert before != after
    assert study.png(Pair("identical", 100), "before") == before
    assert study.png(Pair("identical", 100), "after") == before
    assert study.png(control, "before") == before
    assert study.png(control, "after") not in (before, after)
    assert study.png(Pair("normals", 200), "before") != study.png(Pair("normals", 200), "after")
    assert study.correction == "sequential"
    assert {kind: set(ids) for kind, ids in study.ids.items()} == {
        "artifacts": set(ARTIFACTS),
        "normals": set(NORMALS),
        "identical": set(ARTIFACTS),
        "control": set(ARTIFACTS),
    }
    assert set(study.ids) == set(COUNTS)


def test_without_a_control_correction_there_are_no_such_pairs(tmp_path):
    write_sets(tmp_path)
    study = Study(tmp_path / "none", tmp_path / "sequential", None)
    assert set(study.ids) == set(COUNTS) - {"control"}


def test_other_images_are_another_study(tmp_path):
    write_sets(tmp_path / "a")
    write_sets(tmp_path / "b")
    assert study_of(tmp_path / "a").name == study_of(tmp_path / "b").name
    shutil.copytree(
        tmp_path / "b/random/normals", tmp_path / "b/sequential/normals", dirs_exist_ok=True
    )
    assert study_of(tmp_path / "a").name != study_of(tmp_path / "b").name


def test_sets_of_other_generations_are_refused(tmp_path):
    write_sets(tmp_path)
    write_shard(tmp_path / "random/artifacts", 0, [1, 2], np.zeros((2, 3, 16, 16), np.uint8))
    with pytest.raises(UserError, match=r"random/artifacts: not the generations of .*none/artif"):
        study_of(tmp_path)


def test_a_correction_is_not_judged_against_itself(tmp_path):
    write_sets(tmp_path)
    with pytest.raises(UserError, match="three corrections"):
        Study(*(tmp_path / name for name in (CORRECTIONS[0], CORRECTIONS[1], CORRECTIONS[1])))
    with pytest.raises(UserError, match="three corrections"):
        Study(tmp_path / "none", tmp_path / "none", None)
