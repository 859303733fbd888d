"""Distances between features and to nearest neighbours, by blocks, so that memory is bounded."""

from __future__ import annotations

from collections.abc import Iterator

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


def centred(real: Reals, generated: Features) -> tuple[Reals, Features]:
    """Both with the reals' mean taken away: as far apart, and float32 tells them apart.

    Features far from 0 and near to each other have squares that hide their distance.
    """
    middle = real.double().mean(dim=0)
    return (real - middle).to(real.dtype), (generated - middle).to(generated.dtype)


def distances(rows: Features, columns: Reals) -> Iterator[Distances]:
    """Euclidean distances (roots taken), float64, so many rows at once."""
    others = columns.double()
    for block in rows.split(rows_at_once(columns)):
        yield torch.cdist(block.double(), others)


@remembered  # every row of an evaluation asks for those of the same reals
def radii(features: Features, neighbours: int) -> Radii:
    """Each one's distance to its k-th nearest other; needs more than ``neighbours`` rows."""
    # The nearest of all is the row itself, which rounding may leave a little off zero.
    blocks = (d.kthvalue(neighbours + 1).values for d in distances(features, features))
    return filled(torch.empty(len(features), dtype=torch.float64), blocks)
