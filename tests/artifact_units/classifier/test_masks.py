from __future__ import annotations

import torch

from artifact_units.classifier.heatmaps import masks_from
from artifact_units.classifier.masks import MasksOnDemand
from artifact_units.computing.stored import Streamed, in_parts

CPU = torch.device("cpu")
HEATMAPS = torch.rand(7, 3, 3, generator=torch.Generator().manual_seed(0))


def test_masks_on_demand_are_those_of_the_heatmaps_however_they_are_taken() -> None:
    expected, found = masks_from(HEATMAPS, 0.5, 12), MasksOnDemand.of(HEATMAPS, 0.5, 12, CPU)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert torch.equal(found.int(), expected.int())
    assert torch.equal(torch.cat(list(in_parts(found, 2))), expected)
    rows = torch.tensor([5, 0, 5])
    assert torch.equal(found[rows].int(), expected[rows].int())
    assert torch.equal(found[2:4].int(), expected[2:4].int())


def test_choosing_some_makes_none() -> None:
    found = MasksOnDemand.of(HEATMAPS, 0.5, 12, CPU)
    chosen = found[torch.tensor([True, False] * 3 + [True])][1:3]
    assert isinstance(chosen, Streamed)
    assert len(chosen) == 2
    assert chosen.read is None
    assert found.read is None
