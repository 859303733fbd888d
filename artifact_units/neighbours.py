"""Distances between features and to nearest neighbours, by blocks, so that memory is bounded."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from artifact_units.shapes import Features, Reals

BLOCK = 1000  # rows of the matrix of distances held at once

Distances = Float[Tensor, "row column"]
Radii = Float[Tensor, " row"]


def distances(rows: Features, columns: Reals) -> Iterator[Distances]:
    """Euclidean distances (roots taken), float64, so many rows at once."""
    others = columns.double()
    for block in rows.double().split(BLOCK):
        yield torch.cdist(block, others)


def radii(features: Features, neighbours: int) -> Radii:
    """Each one's distance to its k-th nearest other; needs more than ``neighbours`` rows."""
    # The nearest of all is the row itself, which rounding may leave a little off zero.
    blocks = [d.kthvalue(neighbours + 1).values for d in distances(features, features)]
    return torch.cat(blocks)
