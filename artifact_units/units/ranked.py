"""A ranking read back from the table of scores: what a corrector is handed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from artifact_units.errors import UserError, did_you_mean
from artifact_units.files.tables import read_table
from artifact_units.units.evidence import RankedLayer


def read_ranking(path: Path, name: str) -> list[dict[str, RankedLayer]]:
    """One ranking from the table ``scores``: for each repeat the layers, as in the network."""
    table = read_table(path, "scores")
    names = np.array(table["ranking"].to_pylist(), dtype=object)
    if name not in names:
        raise UserError(f"{path}: holds no ranking {name!r}; {did_you_mean(name, set(names))}")
    rows = table.filter(names == name)
    column = {key: np.array(rows[key].to_pylist()) for key in rows.schema.names}
    repeats = []
    for repeat in range(int(column["repeat"].max()) + 1):
        layers = {}
        for layer in dict.fromkeys(column["layer"].tolist()):
            here = (column["layer"] == layer) & (column["repeat"] == repeat)
            order = np.argsort(column["rank"][here], kind="stable")
            layers[layer] = RankedLayer(
                layer, column["score"][here], column["normalised_score"][here], order
            )
        repeats.append(layers)
    return repeats
