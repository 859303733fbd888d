from __future__ import annotations

import pytest

from artifact_units.classifier.selection import labelled_ids
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
