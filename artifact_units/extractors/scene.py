"""The embedded domain's features: what a small network that reads scenes sees in an image.

``demo/domain/train_encoder.py`` trained it to tell the renderer's colours, positions and sizes
from the image; the 64 features are its last layer before that answer.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from artifact_units.computing.transfers import sent
from artifact_units.errors import UserError
from artifact_units.files.checkpoints import read_checkpoint
from artifact_units.files.json_text import parsed
from artifact_units.files.storage import whole_file
from artifact_units.images.features import Extractor
from artifact_units.images.image_sets import unit_from_byte
from artifact_units.shapes import Features, Images

PX = 32  # images of any size are resized to this
DIM = 64
WIDTHS = (24, 48, 64, 96)
NOTES, FAMILY = "artifact_units", "scene_encoder"  # metadata of our own files


class SceneEncoder(nn.Module):
    """uint8 images -> ``[batch, values]``; ``features`` is the layer before."""

    def __init__(self, values: int) -> None:
        super().__init__()
        blocks, entries = [], 3
        for k, units in enumerate(WIDTHS):
            blocks.append(nn.Conv2d(entries, units, 3, stride=2 if k else 1, padding=1, bias=False))
            blocks += [nn.BatchNorm2d(units), nn.ReLU()]
            entries = units
        self.convolutions = nn.Sequential(*blocks)
        self.dense = nn.Linear(entries * (PX // 8) ** 2, DIM)
        self.head = nn.Linear(DIM, values)

    def features(self, images: Images) -> Features:
        x = unit_from_byte(images) - 0.5
        x = F.interpolate(x, (PX, PX), mode="bilinear", antialias=True)
        return F.leaky_relu(self.dense(self.convolutions(x).flatten(1)), 0.2)

    def forward(self, images: Images) -> Tensor:
        return self.head(self.features(images))


def load(weights: Path, device: torch.device) -> Extractor:
    """The extractor of a weights file that ``demo/domain/train_encoder.py`` wrote."""
    encoder = load_encoder(weights).to(device)

    @torch.inference_mode()
    def extract(images: Images) -> Features:
        return encoder.features(sent(images, device))

    return Extractor("scene", DIM, extract)


def load_encoder(path: Path) -> SceneEncoder:
    """The whole network of a weights file, frozen, on the CPU."""
    checkpoint = read_checkpoint(path)
    try:
        notes = parsed(checkpoint.metadata.get(NOTES, "{}"))
    except ValueError:
        notes = {}
    held = notes.get("family", "foreign weights") if isinstance(notes, dict) else "foreign weights"
    if held != FAMILY:
        raise UserError(
            f"{path}: holds {held}, not a {FAMILY}; name demo/scene_encoder.safetensors"
        )
    encoder = SceneEncoder(notes["values"])
    encoder.load_state_dict(checkpoint.tree)
    return encoder.eval().requires_grad_(False)


def save_encoder(path: Path, encoder: SceneEncoder) -> None:
    """Write a scene encoder, whole."""
    notes = {"family": FAMILY, "values": encoder.head.out_features}
    with whole_file(path) as part:
        save_file(encoder.state_dict(), part, metadata={NOTES: json.dumps(notes, sort_keys=True)})
