"""The Inception network that FID is defined with: 2048 pooled features, torch-fidelity's port."""

from __future__ import annotations

import io
from pathlib import Path

import torch

from artifact_units.computing.transfers import sent
from artifact_units.files.weights import KnownWeights, misfit, read_weights
from artifact_units.images.features import Extractor
from artifact_units.shapes import Features, Images

WEIGHTS = KnownWeights(
    file="weights-inception-2015-12-05-6726825d.pth",
    sha256="6726825d",
    source="torch-fidelity's releases (v0.2.0)",
)
LAYER = "2048"


def load(weights: Path, device: torch.device) -> Extractor:
    """Byte images -> ``[batch, 2048]``; resized to 299 px as TensorFlow 1 did, in float32."""
    state = read_weights(weights, WEIGHTS)
    from torch_fidelity import FeatureExtractorInceptionV3  # 3 s: only once the file is good

    # torch-fidelity unpickles whatever it is given: it gets a copy that we wrote ourselves.
    copy = io.BytesIO()
    torch.save(state, copy)
    copy.seek(0)
    try:
        network = FeatureExtractorInceptionV3(
            "inception", [LAYER], feature_extractor_weights_path=copy
        )
    except RuntimeError as error:
        raise misfit(weights, error) from None
    network.to(device)

    @torch.inference_mode()
    def extract(images: Images) -> Features:
        return network(sent(images, device))[0]

    return Extractor("inception", 2048, extract)
