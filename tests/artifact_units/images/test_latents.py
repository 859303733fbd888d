from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from artifact_units.images import latents


def test_a_latent_depends_on_its_id_alone() -> None:
    together = latents.latents_of([3, 4, 5], 8)
    assert torch.equal(together[[1]], latents.latents_of([4], 8))


def test_an_id_is_the_seed_of_numpys_frozen_stream() -> None:
    wanted = np.random.RandomState(2_000_001).standard_normal(8).astype(np.float32)
    assert latents.latents_of([latents.HELDOUT + 1], 8).numpy().tolist() == [wanted.tolist()]


def test_no_ids_give_no_latents() -> None:
    assert latents.latents_of([], 8).shape == (0, 8)


def test_the_ranges_lie_a_million_apart() -> None:
    starts = sorted(v for k, v in vars(latents).items() if k.isupper() and isinstance(v, int))
    assert all(b - a >= 1_000_000 for a, b in pairwise(starts))
