"""Distances between features and to nearest neighbours, by blocks, so that memory is bounded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from artifact_units.computing.batches import filled
from artifact_units.computing.remembered import remembered
from artifact_units.shapes import Features, Reals

BLOCK = 1000  # rows of the matrix of distances held at once, at most
VALUES = 1_000_000  # and its values, or as many as the features of what they are distances to

Distances = Float[Tensor, "row column"]
Radii = Float[Tensor, " row"]


def rows_at_once(columns: Features) -> int:
    """How many rows of a matrix with a column for each of these are held at once."""
    images, features = columns.shape
    return min(BLOCK, max(VALUES // max(1, images), features))


def distances(rows: Features, columns: Reals) -> Iterator[Distances]:
    """Euclidean distances (roots taken), float64, so many rows at once."""
    others = columns.double()
    lengths = others.square().sum(1)
    for block in rows.split(rows_at_once(columns)):
        block = block.double()
        squares = torch.addmm(lengths, block, others.T, alpha=-2)
        squares = squares.add_(block.square().sum(1)[:, None]).clamp_(min=0).numpy()
        yield torch.from_numpy(np.sqrt(squares, out=squares))  # as NumPy rounds them: portable


@remembered  # every row of an evaluation asks for those of the same reals
def radii(features: Features, neighbours: int) -> Radii:
    """Each one's distance to its k-th nearest other; needs more than ``neighbours`` rows."""
    # The nearest of all is the row itself, which rounding may leave a little off zero.
    blocks = (d.kthvalue(neighbours + 1).values for d in distances(features, features))
    return filled(torch.empty(len(features), dtype=torch.float64), blocks)
