"""VGG-16 of torchvision up to its second fully connected layer, as the realism score takes it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.nn import functional as F

from artifact_units.computing.transfers import sent
from artifact_units.files.weights import KnownWeights, misfit, read_weights
from artifact_units.images.features import Extractor
from artifact_units.images.image_sets import unit_from_byte
from artifact_units.shapes import Features, Images

WEIGHTS = KnownWeights(
    file="vgg16-397923af.pth", sha256="397923af", source="torchvision's ImageNet weights of VGG-16"
)
PX = 224
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


def load(weights: Path, device: torch.device) -> Extractor:
    """Byte images -> ``[batch, 4096]``, after the second fully connected layer's ReLU.

    Images are resized to 224 px, bilinear and antialiased, and normalised as ImageNet's.
    """
    state = read_weights(weights, WEIGHTS)
    from torchvision.models import vgg16

    with torch.device("meta"):  # 138 million random numbers less
        network = vgg16(weights=None, init_weights=False)
    try:
        network.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise misfit(weights, error) from None
    network.classifier = network.classifier[:5]
    network.eval().requires_grad_(False).to(device)
    mean, deviation = (torch.tensor(v, device=device)[:, None, None] for v in (MEAN, DEVIATION))

    @torch.inference_mode()
    def extract(images: Images) -> Features:
        pixels = unit_from_byte(sent(images, device))
        pixels = F.interpolate(pixels, size=(PX, PX), mode="bilinear", antialias=True)
        return network((pixels - mean) / deviation)

    return Extractor("vgg16", 4096, extract)
