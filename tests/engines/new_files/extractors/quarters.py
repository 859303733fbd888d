"""The mean colours of an image's quarters."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.nn import functional as F

from artifact_units.computing.transfers import sent
from artifact_units.images.features import Extractor
from artifact_units.shapes import Features, Images


def load(weights: Path, device: torch.device) -> Extractor:
    """Byte images -> ``[batch, 12]``; needs no weights."""

    def extract(images: Images) -> Features:
        return F.adaptive_avg_pool2d(sent(images, device).float() / 255, 2).flatten(1)

    return Extractor("quarters", 12, extract)
