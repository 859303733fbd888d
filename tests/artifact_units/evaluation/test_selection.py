from __future__ import annotations

import numpy as np
import pytest

from artifact_units.errors import UserError
from artifact_units.evaluation.selection import evaluated_ids
from artifact_units.files.tables import write_table


@pytest.fixture
def labels(tmp_path):
    """Test labels: 3, 5 and 9 artifacts, 1 and 4 normal; the others train."""
    columns = {
        "id": [9, 1, 2, 3, 4, 5, 6],
        "label": ["artifact", "normal", "artifact", "artifact", "normal", "artifact", "normal"],
        "split": ["test", "test", "train", "test", "test", "test", "validation"],
        "raters": [1] * 7,
    }
    write_table(tmp_path / "labels", "labels", columns)
    return tmp_path / "labels"


@pytest.fixture
def truth(tmp_path):
    """Held out: 11 and 13 artifacts, 10 and 12 normal."""
    folder = tmp_path / "truth"
    folder.mkdir()
    (folder / "units.json").write_text("{}")
    ids = np.array([13, 10, 11, 12])
    columns = {"id": ids, "artifact": ids % 2 == 1, "area": [0.1] * 4, "mask": [b""] * 4}
    write_table(folder / "heldout.parquet", "truths", columns, {"px": "4"})
    return folder


def listed(found) -> tuple[list[int], ...]:
    return tuple(ids.tolist() for ids in found)


def test_without_a_truth_they_are_the_first_test_labels_of_either_kind(labels, tmp_path) -> None:
    assert listed(evaluated_ids(tmp_path, labels, 2, 1)) == ([3, 5], [1])


def test_where_the_truth_is_known_it_says_which_held_out_ones(labels, truth) -> None:
    assert listed(evaluated_ids(truth, labels, 2, 1)) == ([11, 13], [10])


def test_too_few_say_how_many_there_are_and_what_to_change(labels, truth, tmp_path) -> None:
    with pytest.raises(UserError) as error:
        evaluated_ids(tmp_path, labels, 4, 1)
    assert str(error.value) == (
        "3 of 5 test labels are artifact, 4 are asked for: lower "
        "correct_generations.artifacts, or raise label_generations.test, or label more"
    )
    with pytest.raises(UserError, match="2 of 4 held-out generations are normal, 3 are asked for"):
        evaluated_ids(truth, labels, 1, 3)
