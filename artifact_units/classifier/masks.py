"""Masks made from their heatmaps a few at a time: a heatmap is small, a mask is not."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from artifact_units.classifier.heatmaps import masks_from
from artifact_units.computing.stored import Streamed
from artifact_units.computing.transfers import sent
from artifact_units.shapes import Heatmaps, Masks


class MasksOnDemand(Streamed):
    """``masks_from(heatmaps, threshold, px)``, made on the CPU whatever the device they go to."""

    heatmaps: Heatmaps
    threshold: float

    @classmethod
    def of(
        cls, heatmaps: Heatmaps, threshold: float, px: int, device: torch.device
    ) -> MasksOnDemand:
        """The masks of ``heatmaps`` at ``px`` by ``px``, on ``device``; none is made yet."""
        self = cls._of((len(heatmaps), px, px), torch.bool, device)
        self.heatmaps, self.threshold = heatmaps, threshold
        return self

    def rows(self, rows: Tensor) -> MasksOnDemand:
        """The masks of these rows (or where True); none is made."""
        chosen = self.heatmaps[rows.cpu()]
        return MasksOnDemand.of(chosen, self.threshold, self.shape[-1], self.device)

    def parts(self, images: int) -> Iterator[Masks]:
        """At most so many at a time, in order; none is kept."""
        for part in self.heatmaps.split(images):
            yield sent(masks_from(part, self.threshold, self.shape[-1]), self.device)
