from __future__ import annotations

import numpy as np
import pytest
import torch

from artifact_units.classifier.heatmaps import HeatmapSet, write_heatmaps
from artifact_units.classifier.selection import heldout_ids, labelled_ids
from artifact_units.errors import UserError
from artifact_units.files.tables import write_table


def write_labels(path, rows) -> None:
    ids, labels, splits = zip(*rows, strict=True)
    columns = {"id": ids, "label": labels, "split": splits, "raters": [1] * len(ids)}
    write_table(path, "labels", columns)


def test_the_first_of_each_label_are_taken_and_none_of_the_test_split(tmp_path) -> None:
    rows = [
        (9, "artifact", "train"),
        (1, "artifact", "test"),
        (7, "artifact", "validation"),
        (3, "artifact", "train"),
        (2, "normal", "train"),
        (4, "normal", "test"),
    ]
    write_labels(tmp_path / "labels", rows)
    assert labelled_ids(tmp_path / "labels", 2).tolist() == [2, 3, 7]
    assert labelled_ids(tmp_path / "labels", 50).tolist() == [2, 3, 7, 9]


def test_a_label_that_only_the_test_split_has_is_missed(tmp_path) -> None:
    write_labels(tmp_path / "labels", [(1, "artifact", "test"), (2, "normal", "train")])
    with pytest.raises(UserError, match="no generation outside the test split is artifact"):
        labelled_ids(tmp_path / "labels", 5)


def write_heldout(path) -> None:
    # Probabilities are the logits' own, since each row of exp(logits) sums to 1.
    probability = torch.tensor(
        [
            [0.95, 0.04, 0.01],
            [0.05, 0.9, 0.05],
            [0.9, 0.05, 0.05],
            [0.5, 0.3, 0.2],
            [0.92, 0.04, 0.04],
        ]
    )
    ids = np.array([2_000_004, 2_000_000, 2_000_002, 2_000_001, 2_000_003])
    heldout = HeatmapSet(ids, probability.log() + 3, torch.zeros(5, 2, 2))
    labelled = HeatmapSet(np.array([0]), torch.tensor([[9.0, 0, 0]]), torch.zeros(1, 2, 2))
    write_heatmaps(path, {"labelled": labelled, "heldout": heldout})


def test_heldout_generations_are_the_first_that_the_classifier_is_sure_of(tmp_path) -> None:
    write_heldout(tmp_path / "heatmaps")
    artifacts, normals = heldout_ids(tmp_path / "heatmaps", 2, 1, 0.89)
    assert artifacts.tolist() == [2_000_002, 2_000_003]
    assert normals.tolist() == [2_000_000]


def test_too_few_heldout_generations_say_how_many_there_are_and_what_to_lower(tmp_path) -> None:
    write_heldout(tmp_path / "heatmaps")
    with pytest.raises(UserError) as error:
        heldout_ids(tmp_path / "heatmaps", 3, 1, 0.91)
    assert str(error.value).startswith(
        "2 of 5 held-out generations are artifact with confidence 0.91, 3 are asked for: "
        "lower correct_generations.artifacts"
    )
