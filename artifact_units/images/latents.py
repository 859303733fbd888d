"""Which generation is which: an id is the seed of its latent, in ranges that never overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from artifact_units.shapes import Latents

# First id of each range. Fixed, so that asking for more labelled generations moves no other.
LABELLED = 0  # labelled, masked, scored
UNLABELLED = 1_000_000  # unit thresholds and per-unit statistics
HELDOUT = 2_000_000  # where the truth is known, corrected and evaluated; never labelled or scored
REFERENCE = 3_000_000  # the clean generator's own distribution, where the truth is known
PLANTING = 4_000_000  # where the embedded domain's defects are fitted and judged
REDRAWN = 10_000_000  # added to an id at each try, where a latent is drawn again


def latents_of(ids: Sequence[int] | np.ndarray, latent_dim: int) -> Latents:
    """The standard-normal latents of ``ids``: ``RandomState(id)``, the stream NumPy froze.

    float32 ``[id, latent_dim]``; row i depends on ``ids[i]`` alone.
    """
    rows = [np.random.RandomState(int(i)).standard_normal(latent_dim) for i in ids]
    table = np.stack(rows) if rows else np.zeros((0, latent_dim))
    return torch.from_numpy(table.astype(np.float32))
