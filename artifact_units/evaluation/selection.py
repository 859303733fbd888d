"""Which generations are corrected and measured: by truth or label, by no classifier.

Where the truth is known, held-out generations by what it says of them. Elsewhere those of the
labels' test split, by their labels: a person said what they are, and nothing else looked at them
but the test of the classifier. So another training measures the same generations.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from artifact_units.errors import UserError
from artifact_units.evaluation.truth import open_truth
from artifact_units.files.tables import read_table


def evaluated_ids(
    truth: Path, labels: Path, artifacts: int, normals: int
) -> tuple[np.ndarray, np.ndarray]:
    """The first artifacts and the first normals in id order, int64 each.

    ``truth`` is a folder that may hold none, ``labels`` the table. Too few of either is an error.
    """
    known = open_truth(truth)
    if known is not None:
        table = read_table(known.folder / "heldout.parquet", "truths", ["id", "artifact"])
        artifact = table["artifact"].to_numpy()
        where, more = "held-out generations", "sample_generations.heldout"
    else:
        table = read_table(labels, "labels", ["id", "label", "split"])
        table = table.filter(np.array(table["split"].to_pylist(), dtype=object) == "test")
        artifact = np.array(table["label"].to_pylist(), dtype=object) == "artifact"
        where, more = "test labels", "label_generations.test, or label more"
    ids = table["id"].to_numpy()
    chosen = []
    for name, own, wanted in (
        ("artifact", np.sort(ids[artifact]), artifacts),
        ("normal", np.sort(ids[~artifact]), normals),
    ):
        if len(own) < wanted:
            raise UserError(
                f"{len(own)} of {len(ids)} {where} are {name}, {wanted} are asked for: "
                f"lower correct_generations.{name}s, or raise {more}"
            )
        chosen.append(own[:wanted])
    return chosen[0], chosen[1]
