"""Rankings read back from their tables of scores: what a corrector is handed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from artifact_units.errors import UserError
from artifact_units.files.tables import read_table
from artifact_units.units.evidence import RankedLayer


def read_scores(files: Sequence[Path]) -> pa.Table:
    """The tables ``scores`` of several rankings as one, in the order given."""
    if not files:
        raise UserError("there is no table of scores; run score_units")
    return pa.concat_tables([read_table(file, "scores") for file in files])


def read_ranking(path: Path) -> list[dict[str, RankedLayer]]:
    """One ranking from its table ``scores``: for each repeat the layers, as in the network."""
    rows = read_table(path, "scores")
    column = {key: np.array(rows[key].to_pylist()) for key in rows.schema.names}
    repeats = []
    for repeat in range(int(column["repeat"].max()) + 1):
        layers = {}
        for layer in dict.fromkeys(column["layer"].tolist()):
            here = (column["layer"] == layer) & (column["repeat"] == repeat)
            order = np.argsort(column["rank"][here], kind="stable")
            layers[layer] = RankedLayer(layer, column["score"][here], order)
        repeats.append(layers)
    return repeats
