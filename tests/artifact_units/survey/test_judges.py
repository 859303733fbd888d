"""Halves of the labels: disjoint, alike, without the test split; and their judges."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from patches import PX, write_problem

from artifact_units.classifier.network import new_classifier
from artifact_units.errors import UserError
from artifact_units.files.tables import write_table
from artifact_units.images.image_sets import open_images
from artifact_units.survey.judges import ALL, halves, judge_of, kinds_of, read_labels

KINDS = ["blotch"] * 30 + ["grid"] * 12 + [""] * 8
VALUES = {
    "network": "resnet18_narrow",
    "weights": "params",
    "frozen": False,
    "px": PX,
    "reals": 60,
    "epochs": 4,
    "minibatch": 16,
    "rate": 0.005,
}


def labels(artifacts: int = 50, normals: int = 60):
    rows = [{"id": i, "label": "artifact", "kind": KINDS[i % 50]} for i in range(artifacts)]
    return rows + [{"id": 100 + i, "label": "normal", "kind": None} for i in range(normals)]


def test_halves_share_no_generation_and_hold_all() -> None:
    first, second = halves(labels())
    assert not {*first.artifacts} & {*second.artifacts}
    assert sorted([*first.artifacts, *second.artifacts]) == list(range(50))
    assert sorted([*first.normals, *second.normals]) == list(range(100, 160))


def test_a_kind_is_halved_too_and_one_of_few_is_not_looked_at_alone() -> None:
    parts = halves(labels())
    kinds = kinds_of(labels(), parts)
    assert list(kinds) == [ALL, "blotch"]  # of grid there are 6 in each half
    assert [np.isin(half.artifacts, kinds["blotch"]).sum() for half in parts] == [15, 15]


def test_labels_without_kinds_have_all_artifacts_alone() -> None:
    plain = [{k: v for k, v in row.items() if k != "kind"} for row in labels()]
    assert list(kinds_of(plain, halves(plain))) == [ALL]


def test_the_screen_looks_at_so_many_of_each_kind() -> None:
    first, _ = halves(labels())
    looked = first.at_most(3, [np.arange(50), np.arange(30, 42)])
    assert looked.artifacts.tolist() == [*first.artifacts[:3], *range(30, 36, 2)]
    assert looked.normals.tolist() == [100, 102, 104]


def test_too_few_labels_are_one_line_that_counts_them() -> None:
    with pytest.raises(UserError, match=r"takes 20 artifacts .* there are 19 and 60: label more"):
        halves(labels(artifacts=19))


def test_the_test_split_is_not_looked_at(tmp_path) -> None:
    columns = {"id": [1, 2], "label": ["artifact"] * 2, "split": ["test", "train"]}
    write_table(tmp_path / "labels", "labels", {**columns, "raters": [1, 1]})
    assert [row["id"] for row in read_labels(tmp_path / "labels")] == [2]


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    folder = tmp_path_factory.mktemp("problem")
    write_problem(folder, generations=120, heldout=4, reals=60)
    rows = [
        {"id": i, "label": ("normal", "artifact")[i % 2], "split": split}
        for i, split in enumerate((["train"] * 4 + ["validation"] * 2) * 20)
    ]
    sets = open_images(folder / "generations" / "labelled"), open_images(folder / "reals")
    return rows, sets, folder


def judge(problem, half: int, seed: int):
    rows, sets, folder = problem
    device = torch.device("cpu")
    return judge_of(halves(rows)[half], rows, sets, VALUES, seed, folder / "mapped", device)


def test_a_judge_tells_artifacts_of_the_half_that_it_never_saw(problem) -> None:
    _, area = judge(problem, 0, seed=1)
    assert area > 0.9


def test_judges_of_both_halves_are_two_classifiers_and_each_is_made_again(problem) -> None:
    images = torch.randint(0, 255, (4, 3, PX, PX)).byte()
    said = [judge(problem, half, seed)[0](images) for half, seed in ((0, 1), (0, 1), (1, 2))]
    assert torch.equal(said[0], said[1])
    assert not torch.allclose(said[0], said[2])


def test_a_judge_learns_from_the_other_half_alone(problem) -> None:
    # Labels of its own half, turned about, change nothing but its area.
    rows, sets, folder = problem
    mine = {*halves(rows)[0].artifacts.tolist(), *halves(rows)[0].normals.tolist()}
    turned = {"artifact": "normal", "normal": "artifact"}
    others = [
        {**row, "label": turned[row["label"]] if row["id"] in mine else row["label"]}
        for row in rows
    ]
    given = sets, VALUES, 1, folder / "mapped", torch.device("cpu")
    one, area = judge_of(halves(rows)[0], rows, *given)
    two, opposite = judge_of(halves(rows)[0], others, *given)
    assert opposite == pytest.approx(1 - area)
    states = one.network.state_dict(), two.network.state_dict()
    assert all(torch.equal(a, b) for a, b in zip(*(s.values() for s in states), strict=True))
    assert new_classifier("resnet18_narrow", PX, 1).network.state_dict().keys() == states[0].keys()
