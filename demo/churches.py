"""The real images of the embedded domain: small rendered churches, one seed per image.

Every shape is a signed distance (in scene units, positive inside) turned into coverage over
one pixel, so edges are antialiased analytically and a batch of images is a batch of tensors.
The scene spans x in [-1, 1] (left to right) and y in [-1, 1] (bottom to top).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

DRAWS = 96  # uniform numbers an image may use; more than any scene needs
SKIES = (  # (zenith, horizon), chosen by hand: noon, morning, dusk, overcast, storm
    ((0.27, 0.52, 0.85), (0.72, 0.85, 0.96)),
    ((0.45, 0.62, 0.88), (0.98, 0.86, 0.72)),
    ((0.22, 0.22, 0.46), (0.96, 0.58, 0.42)),
    ((0.62, 0.67, 0.72), (0.84, 0.86, 0.87)),
    ((0.30, 0.36, 0.44), (0.62, 0.67, 0.70)),
)
GROUNDS = ((0.36, 0.55, 0.24), (0.55, 0.58, 0.28), (0.80, 0.72, 0.52), (0.90, 0.92, 0.95))
WALLS = (
    (0.90, 0.87, 0.80),
    (0.78, 0.70, 0.58),
    (0.66, 0.42, 0.33),
    (0.62, 0.62, 0.64),
    (0.85, 0.74, 0.50),
)
ROOFS = ((0.62, 0.25, 0.18), (0.30, 0.31, 0.36), (0.42, 0.29, 0.20), (0.26, 0.42, 0.40))


def render_churches(seed: int, indices: Sequence[int], px: int) -> Tensor:
    """Render the real images ``indices`` of the stream ``seed``.

    Returns uint8 ``[image, 3, px, px]``; image i depends on (seed, i, px) and nothing else.
    """
    draws = np.stack(
        [
            np.random.Generator(np.random.Philox(key=[seed, int(i)])).random(DRAWS, np.float32)
            for i in indices
        ]
    )
    return _render(torch.from_numpy(draws), px).mul_(255).round_().to(torch.uint8)


class _Draws:
    """Hands out the uniform numbers of a batch in a fixed order, one column a call."""

    def __init__(self, columns: Tensor) -> None:
        self._columns = iter(columns.unbind(1))

    def between(self, low: float | Tensor, high: float | Tensor) -> Tensor:
        return low + (high - low) * next(self._columns)

    def chance(self, probability: float) -> Tensor:
        return (next(self._columns) < probability).float()

    def pick(self, colours: Sequence, jitter: float = 0.06) -> Tensor:
        """One of ``colours`` with a jitter a channel: ``[image, ..., 3]``."""
        table = torch.tensor(colours)
        chosen = table[(next(self._columns) * len(colours)).long().clamp_max(len(colours) - 1)]
        shift = torch.stack([self.between(-jitter, jitter) for _ in range(3)], -1)
        return (chosen + shift.view(-1, *[1] * (chosen.dim() - 2), 3)).clamp(0, 1)


class _Canvas:
    def __init__(self, images: int, px: int) -> None:
        centres = (torch.arange(px) + 0.5) * (2 / px) - 1
        self.x = centres.view(1, 1, px)
        self.y = (-centres).view(1, px, 1)
        self.pixel = 2 / px
        self.rgb = torch.zeros(images, 3, px, px)

    def fill(self, distance: Tensor, colour: Tensor, alpha: Tensor | float = 1.0) -> None:
        """Paint ``colour`` (``[image, 3]`` or ``[image, 3, height, width]``) where inside."""
        cover = (distance / self.pixel + 0.5).clamp(0, 1)
        cover = cover * (_col(alpha) if isinstance(alpha, Tensor) else alpha)
        if colour.dim() == 2:
            colour = colour[:, :, None, None]
        self.rgb += cover.unsqueeze(1) * (colour - self.rgb)

    def soft(self, cover: Tensor, colour: Tensor) -> None:
        self.rgb += cover.unsqueeze(1) * (colour[:, :, None, None] - self.rgb)

    def box(self, x: Tensor, y: Tensor, half_width: Tensor, half_height: Tensor) -> Tensor:
        across = _col(half_width) - (self.x - _col(x)).abs()
        return torch.minimum(across, _col(half_height) - (self.y - _col(y)).abs())

    def gable(self, x: Tensor, base: Tensor, half_width: Tensor, height: Tensor) -> Tensor:
        """An isosceles triangle standing on ``base``."""
        slope = height / half_width
        side = (height - slope * 0)[:, None, None] - (self.y - _col(base))
        side = side - _col(slope) * (self.x - _col(x)).abs()
        side = side / _col((1 + slope**2).sqrt())
        return torch.minimum(side, self.y - _col(base))

    def trapezoid(
        self, x: Tensor, base: Tensor, half_width: Tensor, height: Tensor, inset: Tensor
    ) -> Tensor:
        lean = _col(inset / height)
        side = _col(half_width) - (self.x - _col(x)).abs() - lean * (self.y - _col(base))
        side = side / (1 + lean**2).sqrt()
        band = torch.minimum(self.y - _col(base), _col(base + height) - self.y)
        return torch.minimum(side, band)

    def disc(self, x: Tensor, y: Tensor, radius: Tensor) -> Tensor:
        return _col(radius) - ((self.x - _col(x)) ** 2 + (self.y - _col(y)) ** 2).sqrt()

    def arch(self, x: Tensor, base: Tensor, half_width: Tensor, height: Tensor) -> Tensor:
        """A window or a door: a box with a half disc on it."""
        middle = base + height / 2
        return torch.maximum(
            self.box(x, middle, half_width, height / 2),
            torch.minimum(self.disc(x, base + height, half_width), self.y - _col(base)),
        )


def _col(values: Tensor) -> Tensor:
    return values[:, None, None]


def _render(draws: Tensor, px: int) -> Tensor:
    u = _Draws(draws)
    canvas = _Canvas(len(draws), px)
    horizon = u.between(-0.45, -0.2)
    light = u.between(0.82, 1.08)
    _sky(canvas, u, horizon)
    ground = _ground(canvas, u, horizon)
    base = horizon - u.between(0.12, 0.28)
    _trees(canvas, u, base + 0.1, count=2)
    _church(canvas, u, base, light, ground)
    _trees(canvas, u, base - 0.08, count=1)
    return canvas.rgb.clamp_(0, 1)


def _sky(canvas: _Canvas, u: _Draws, horizon: Tensor) -> None:
    sky = u.pick(SKIES, 0.05)
    height = ((canvas.y - _col(horizon)) / _col(1 - horizon)).clamp(0, 1).unsqueeze(1)
    canvas.rgb += sky[:, 1, :, None, None] + height * (sky[:, 0] - sky[:, 1])[:, :, None, None]
    white = torch.full((len(horizon), 3), 0.96)
    for _ in range(2):
        x, y = u.between(-0.9, 0.9), u.between(0.25, 0.85)
        wide, high = u.between(0.2, 0.45), u.between(0.06, 0.12)
        near = ((canvas.x - _col(x)) / _col(wide)) ** 2 + ((canvas.y - _col(y)) / _col(high)) ** 2
        canvas.soft((1.2 - near).clamp(0, 1) * _col(u.chance(0.6) * u.between(0.4, 0.85)), white)


def _ground(canvas: _Canvas, u: _Draws, horizon: Tensor) -> Tensor:
    ground = u.pick(GROUNDS)
    hill = _col(u.between(0.02, 0.12)) * torch.sin(
        _col(u.between(1.5, 3.5)) * canvas.x + _col(u.between(0.0, 6.28))
    )
    far = 0.65 * ground + 0.35 * torch.tensor([0.45, 0.55, 0.62])
    canvas.fill(_col(horizon + 0.06) + hill - canvas.y, far)
    depth = ((_col(horizon) - canvas.y) / _col(horizon + 1)).clamp(0, 1).unsqueeze(1)
    shaded = ground[:, :, None, None] * (1.05 - 0.3 * depth)
    canvas.fill(_col(horizon) + 0 * canvas.x - canvas.y, shaded)
    return ground


def _trees(canvas: _Canvas, u: _Draws, base: Tensor, count: int) -> None:
    for _ in range(count):
        side = 2 * u.chance(0.5) - 1
        x, size = side * u.between(0.62, 0.92), u.between(0.22, 0.42)
        there, conifer = u.chance(0.6), u.chance(0.5)
        green = u.pick(((0.16, 0.36, 0.18), (0.28, 0.42, 0.16), (0.50, 0.36, 0.14)), 0.04)
        trunk = torch.tensor([[0.30, 0.21, 0.14]]).expand(len(base), 3)
        canvas.fill(canvas.box(x, base + size * 0.2, size * 0.07, size * 0.25), trunk, there)
        canvas.fill(
            canvas.gable(x, base + size * 0.3, size * 0.42, size * 1.5), green, there * conifer
        )
        crown = canvas.disc(x, base + size * 0.95, size * 0.55)
        canvas.fill(crown, green, there * (1 - conifer))


def _church(canvas: _Canvas, u: _Draws, base: Tensor, light: Tensor, ground: Tensor) -> None:
    wall = (u.pick(WALLS) * light[:, None]).clamp(0, 1)
    roof = u.pick(ROOFS)
    x, half = u.between(-0.12, 0.12), u.between(0.36, 0.52)
    height, pitch = u.between(0.36, 0.5), u.between(0.22, 0.36)
    side = 2 * u.chance(0.5) - 1
    shade = (1.04 - 0.16 * (canvas.x * _col(side) + 1) / 2).unsqueeze(1)
    canvas.fill(canvas.box(x, base - 0.01, half + 0.05, 0 * x + 0.025), ground * 0.7)
    canvas.fill(canvas.box(x, base + height / 2, half, height / 2), wall[:, :, None, None] * shade)
    eaves = base + height
    canvas.fill(canvas.trapezoid(x, eaves, half + 0.04, pitch, pitch * u.between(0.3, 0.9)), roof)
    tower = x + side * (half - u.between(0.02, 0.12))
    wide, tall = u.between(0.13, 0.19), height + pitch * 0.6 + u.between(0.08, 0.28)
    _windows(canvas, u, x - side * 0.14, base + height * 0.3, half - 0.14, height * 0.36)
    canvas.fill(canvas.box(tower, base + tall / 2, wide, tall / 2), wall[:, :, None, None] * shade)
    edge = torch.minimum(
        canvas.box(tower, base + tall / 2, wide, tall / 2),
        _col(wide * 0.3) - (canvas.x - _col(tower + side * wide * 0.75)).abs(),
    )
    canvas.fill(edge, wall * 0.82)
    _spire(canvas, u, tower, base + tall, wide, roof)
    dark = u.pick(((0.16, 0.15, 0.20), (0.28, 0.18, 0.12), (0.22, 0.28, 0.40)), 0.03)
    canvas.fill(canvas.arch(tower, base + tall * 0.68, wide * 0.32, wide * 0.7), dark)
    canvas.fill(canvas.arch(tower, base, wide * 0.45, height * 0.36), dark * 0.8)


def _windows(
    canvas: _Canvas, u: _Draws, x: Tensor, base: Tensor, half: Tensor, height: Tensor
) -> None:
    glass = u.pick(((0.20, 0.24, 0.34), (0.93, 0.80, 0.42), (0.30, 0.42, 0.55)), 0.04)
    for place in (-0.72, 0.0, 0.72):
        canvas.fill(canvas.arch(x + place * half, base, 0.04 + 0 * x, height), glass)


def _spire(
    canvas: _Canvas, u: _Draws, x: Tensor, base: Tensor, half: Tensor, roof: Tensor
) -> None:
    height = u.between(0.22, 0.5)
    canvas.fill(canvas.gable(x, base, half + 0.03, height), roof * 0.9)
    gold = torch.tensor([[0.88, 0.76, 0.36]]).expand(len(x), 3)
    there = u.chance(0.7)
    canvas.fill(canvas.box(x, base + height + 0.05, 0 * x + 0.014, 0 * x + 0.075), gold, there)
    canvas.fill(canvas.box(x, base + height + 0.07, 0 * x + 0.05, 0 * x + 0.014), gold, there)
