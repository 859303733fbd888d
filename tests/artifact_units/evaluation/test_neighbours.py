from __future__ import annotations

import pytest
import torch

from artifact_units.evaluation import neighbours as near
from artifact_units.metrics import precision_recall, realism

STREAM = torch.Generator().manual_seed(0)
REAL, GENERATED = (torch.randn(images, 5, generator=STREAM) for images in (40, 25))


@pytest.mark.parametrize("block", [1, 7, 40, 99])
def test_blocks_make_the_matrix_of_distances_and_the_radii(block, monkeypatch) -> None:
    monkeypatch.setattr(near, "BLOCK", block)
    whole = (REAL.double()[:, None] - GENERATED.double()).square().sum(2).sqrt()
    torch.testing.assert_close(torch.cat(list(near.distances(REAL, GENERATED))), whole)
    own = (REAL.double()[:, None] - REAL.double()).square().sum(2).sqrt()
    torch.testing.assert_close(near.radii(REAL.clone(), 3), own.sort(1).values[:, 3])


@pytest.mark.parametrize("metric", [realism, precision_recall])
def test_no_more_distances_than_a_block_are_held_at_once(metric, monkeypatch) -> None:
    monkeypatch.setattr(near, "BLOCK", 7)
    held, addmm = [], torch.addmm

    def recorded(lengths, rows, *given, **named):
        held.append(len(rows))
        return addmm(lengths, rows, *given, **named)

    monkeypatch.setattr(torch, "addmm", recorded)
    metric.measure(REAL.clone(), GENERATED.clone(), neighbours=3)
    assert held
    assert max(held) <= 7


def test_the_radii_of_the_same_features_are_computed_once(monkeypatch) -> None:
    real, asked, distances = REAL.clone(), [], near.distances
    monkeypatch.setattr(near, "distances", lambda *two: asked.append(two) or distances(*two))
    first = near.radii(real, 3)
    assert near.radii(real, 3) is first
    assert len(asked) == 1
    assert not torch.equal(near.radii(real, 2), first)
    torch.testing.assert_close(near.radii(real.clone(), 3), first)
    assert len(asked) == 3
