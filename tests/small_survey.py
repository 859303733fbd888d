"""A survey, small: generations whose artifact is of one unit, or of none, and a judge that knows.

The generator is a square of grey a unit, 2 by 2, side by side; a unit's value is the shade of its
square. Artifacts are generations whose first square is bright: where ``of_unit``, because unit 0 of
layer1 has fired; else by the image's last layer, which no unit of layer1 makes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from artifact_units.images.latents import latents_of
from artifact_units.layers.generator import Generator, Layer
from artifact_units.survey.effects import Effect
from artifact_units.survey.judges import Half
from artifact_units.units.evidence import RankedLayer

UNITS, LATENT = 4, 4
NORMAL, FIRED = 0.1, 0.9  # the shade of a square, and of one that makes an artifact
EFFECT = Effect(
    half="confirm",
    kind="",
    proposed="unit",
    way="off",
    units='{"layer4": [46]}',
    most=1,
    fall=0.5,
    rise=0.0,
    moved=0.2,
    change=0.01,
    effect=0.4,
    low=0.3,
    high=0.5,
    gap=0.6,
    auc=0.95,
    artifacts=50,
    normals=40,
)


class Squares(nn.Module):
    """latent -> layer1 (a shade a unit, at one position) -> layer2 (passed on) -> image."""

    def __init__(self, of_unit: bool) -> None:
        super().__init__()
        self.of_unit = of_unit
        self.layer1, self.layer2 = nn.Identity(), nn.Identity()
        self.place = nn.Parameter(torch.zeros(()))  # a generator is where its parameters are

    def forward(self, latents: Tensor) -> Tensor:
        fired = (latents[:, :1] > 0).float() * (FIRED - NORMAL)
        shades = torch.full((len(latents), UNITS), NORMAL)
        if self.of_unit:
            shades = shades + torch.cat([fired, torch.zeros(len(latents), UNITS - 1)], 1)
        maps = self.layer2(self.layer1(shades[:, :, None, None]))[:, :, 0, 0]
        if not self.of_unit:
            maps = maps + torch.cat([fired, torch.zeros(len(latents), UNITS - 1)], 1)
        rows = maps.repeat_interleave(2, 1)[:, None, None, :]  # [image, 1, 1, 8]
        return rows.expand(-1, 3, 2 * UNITS, -1) * 2 - 1


def squares(of_unit: bool) -> Generator:
    """The generator; two layers of four units, 8 px."""
    layers = tuple(Layer(name, name, UNITS, 1, 1) for name in ("layer1", "layer2"))
    return Generator(Squares(of_unit).eval(), "squares", layers, LATENT, 2 * UNITS)


def knows(images: Tensor) -> Tensor:
    """Logits by which the artifact probability is .9 where the first square is bright, else .1."""
    bright = images[:, 0, 0, 0].float() / 255 > (NORMAL + FIRED) / 2
    share = torch.where(bright, 0.9, 0.1)
    return torch.stack([share.log(), (1 - share).log(), torch.full_like(share, -99)], 1)


def half(start: int, count: int = 60) -> Half:
    """Ids from ``start`` on, artifacts and normals as the latents have it."""
    ids = np.arange(start, start + count)
    fired = latents_of(ids, LATENT).numpy()[:, 0] > 0
    return Half(ids[fired], ids[~fired])


def ranking(order: Sequence[int]) -> dict[str, RankedLayer]:
    """The same order of units in both layers."""
    scores = np.zeros(UNITS)
    return {name: RankedLayer(name, scores, np.array(order)) for name in ("layer1", "layer2")}
