"""The training of the scene encoder: regression of what is in a rendered scene."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from artifact_units.extractors.scene import SceneEncoder
from artifact_units.shapes import Images
from demo.domain.churches import render_scenes

CHUNK = 500  # churches rendered at once
MINIBATCH = 64
RATE = 3e-3


def scenes(seed: int, indices: Sequence[int], px: int) -> tuple[Images, Tensor]:
    """Rendered images and their scenes' values, float ``[image, value]``."""
    parts = [
        render_scenes(seed, indices[start : start + CHUNK], px)
        for start in range(0, len(indices), CHUNK)
    ]
    images, noted = zip(*parts, strict=True)
    return torch.cat(images), torch.cat([torch.cat(list(note.values()), 1) for note in noted])


def train(images: Images, values: Tensor, epochs: int) -> SceneEncoder:
    """Fit an encoder to the standardised values, then let its head speak in their own scale."""
    mean, deviation = values.mean(0), values.std(0)
    targets = (values - mean) / deviation
    encoder = SceneEncoder(values.shape[1])
    steps = epochs * (len(images) // MINIBATCH)
    optimiser = torch.optim.AdamW(encoder.parameters(), lr=RATE, weight_decay=1e-3, fused=True)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for _ in range(epochs):
        order = torch.randperm(len(images))
        for picked in order[: len(order) // MINIBATCH * MINIBATCH].split(MINIBATCH):
            loss = (encoder(images[picked]) - targets[picked]).square().mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            rate.step()
    with torch.no_grad():
        encoder.head.weight *= deviation[:, None]
        encoder.head.bias.mul_(deviation).add_(mean)
    return encoder.eval()


@torch.no_grad()
def explained(encoder: SceneEncoder, images: Images, values: Tensor) -> Tensor:
    """R2 of each value: 1 is a perfect answer, 0 no better than the mean."""
    answers = torch.cat([encoder(chunk) for chunk in images.split(CHUNK)])
    return 1 - (answers - values).square().mean(0) / values.var(0, unbiased=False)
