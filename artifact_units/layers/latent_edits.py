"""Edits of the latent, the controls of every edit of units: they give another image altogether."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from artifact_units.computing.transfers import sent
from artifact_units.images.latents import latents_of
from artifact_units.shapes import Latents

Ids = Sequence[int] | np.ndarray


@dataclass(frozen=True)
class Truncate:
    """Each value to where the normal distribution cut off at ``bound`` has the same quantile.

    So latents become draws of the truncated normal, each near its own old one. Scaling would do
    nothing in a PGGAN, whose first step is to normalise the latent.
    """

    bound: float

    def __post_init__(self) -> None:
        if not self.bound > 0:
            raise ValueError(f"bound is {self.bound}")

    def __call__(self, latents: Latents, _fresh: Ids) -> Latents:
        tail = _below(-self.bound)
        shares = torch.tensor([_below(x) for x in latents.flatten().tolist()], dtype=torch.float64)
        within = torch.special.ndtri(tail + shares * (1 - 2 * tail)).view(latents.shape)
        return sent(within.to(latents.dtype), latents.device)


@dataclass(frozen=True)
class Move:
    """Move every latent by ``step`` along a direction of length 1."""

    direction: tuple[float, ...]
    step: float

    def __call__(self, latents: Latents, _fresh: Ids) -> Latents:
        return latents + self.step * sent(torch.tensor(self.direction), latents.device)


@dataclass(frozen=True)
class Redraw:
    """Another latent altogether, by an id of its own; ``acceptance``: the share that is kept."""

    acceptance: float

    def __call__(self, latents: Latents, fresh: Ids) -> Latents:
        return sent(latents_of(fresh, latents.shape[1]), latents.device)


def _below(x: float) -> float:
    """The share of the normal distribution below x; torch's is not ``portable``."""
    return math.erfc(-x / math.sqrt(2)) / 2


LatentEdit = Truncate | Move | Redraw
LATENT_KINDS: dict[str, type] = {"truncate": Truncate, "move": Move, "redraw": Redraw}
