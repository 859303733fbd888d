from __future__ import annotations

import pytest
import torch

from artifact_units.images.latents import latents_of
from artifact_units.layers.latent_edits import Move, Redraw, Truncate


def test_truncation_keeps_every_quantile_and_stays_within_the_bound() -> None:
    latents = torch.tensor([[-40.0, -0.6744898, 0.0, 0.6744898, 40.0]])
    # The quartile of a normal distribution cut at 1: Phi(x) = .1587 + .75 * .6827 = .6707.
    wanted = [-1.0, -0.4418, 0.0, 0.4418, 1.0]
    assert Truncate(1.0)(latents, [0])[0].tolist() == pytest.approx(wanted, abs=1e-4)


def test_truncated_latents_are_of_a_truncated_distribution_not_piled_up_at_its_ends() -> None:
    latents = Truncate(0.5)(latents_of(range(200), 16), range(200))
    assert latents.abs().max() <= 0.5
    assert ((latents.abs() > 0.45).float().mean() - 0.1).abs() < 0.03


def test_a_bound_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="bound is 0"):
        Truncate(0.0)


def test_a_move_is_along_the_direction() -> None:
    moved = Move((0.6, 0.8), 5.0)(torch.tensor([[1.0, 1.0], [0.0, -4.0]]), [0, 1])
    assert moved.tolist() == [[4.0, 5.0], [3.0, 0.0]]


def test_what_is_redrawn_depends_on_the_new_id_alone() -> None:
    drawn = Redraw(0.5)(torch.zeros(2, 4), [7, 8])
    assert torch.equal(drawn, latents_of([7, 8], 4))
