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

from artifact_units.shapes import Images

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
GREENS = ((0.16, 0.36, 0.18), (0.28, 0.42, 0.16), (0.50, 0.36, 0.14))
OPENINGS = ((0.16, 0.15, 0.20), (0.28, 0.18, 0.12), (0.22, 0.28, 0.40))
GLASS = ((0.20, 0.24, 0.34), (0.93, 0.80, 0.42), (0.30, 0.42, 0.55))


def render_churches(seed: int, indices: Sequence[int], px: int) -> Images:
    """Render the real images ``indices`` of the stream ``seed``.

    Returns uint8 ``[image, 3, px, px]``; image i depends on (seed, i, px) and nothing else.
    """
    return render_scenes(seed, indices, px)[0]


def render_scenes(seed: int, indices: Sequence[int], px: int) -> tuple[Images, dict[str, Tensor]]:
    """The images of ``render_churches``, and what is in them: name -> float ``[image, value]``.

    Colours, positions and sizes as they are seen: those of an absent tree or cloud are 0.
    """
    rows = [
        np.random.Generator(np.random.Philox(key=[seed, int(i)])).random(DRAWS, np.float32)
        for i in indices
    ]
    draws = _Draws(torch.from_numpy(np.stack(rows)))
    canvas = _Canvas(len(rows), px)
    _scene(canvas, draws)
    images = canvas.rgb.clamp_(0, 1).mul_(255).round_().to(torch.uint8)
    return images, {name: value.reshape(len(rows), -1) for name, value in draws.noted.items()}


class _Draws:
    """Hands out the uniform numbers of a batch in a fixed order, one column a call."""

    def __init__(self, columns: Tensor) -> None:
        self._columns = iter(columns.unbind(1))
        self.noted: dict[str, Tensor] = {}

    def between(self, low: float, high: float) -> Tensor:
        return low + (high - low) * next(self._columns)

    def chance(self, probability: float) -> Tensor:
        return (next(self._columns) < probability).float()

    def side(self) -> Tensor:
        """-1 or 1."""
        return 2 * self.chance(0.5) - 1

    def pick(self, colours: Sequence, jitter: float = 0.06) -> Tensor:
        """One of ``colours`` with a jitter a channel: ``[image, ..., 3]``."""
        table = torch.tensor(colours)
        chosen = table[(next(self._columns) * len(colours)).long().clamp_max(len(colours) - 1)]
        shift = torch.stack([self.between(-jitter, jitter) for _ in range(3)], -1)
        return (chosen + shift.view(-1, *[1] * (chosen.dim() - 2), 3)).clamp(0, 1)

    def note(self, name: str, value: Tensor) -> None:
        """Keep a value of the scene under a name; a repeated name gets a number."""
        again = sum(key.rstrip("0123456789") == name for key in self.noted)
        self.noted[f"{name}{again + 1 if again else ''}"] = value


class _Canvas:
    def __init__(self, images: int, px: int) -> None:
        centres = (torch.arange(px) + 0.5) * (2 / px) - 1
        self.x = centres.view(1, 1, px)
        self.y = (-centres).view(1, px, 1)
        self.pixel = 2 / px
        self.rgb = torch.zeros(images, 3, px, px)

    def fill(self, distance: Tensor, colour: Tensor, alpha: Tensor | float = 1.0) -> None:
        """Paint ``colour`` (``[image, 3]`` or ``[image, 3, height, width]``) where inside."""
        self.soft((distance / self.pixel + 0.5).clamp(0, 1) * _col(alpha), colour)

    def soft(self, cover: Tensor, colour: Tensor) -> None:
        """Paint ``colour`` with an opacity a pixel, ``[image, height, width]``."""
        if colour.dim() == 2:
            colour = colour[:, :, None, None]
        self.rgb += cover.unsqueeze(1) * (colour - self.rgb)

    def box(
        self, x: Tensor, y: Tensor, half_width: Tensor | float, half_height: Tensor | float
    ) -> Tensor:
        across = _col(half_width) - (self.x - _col(x)).abs()
        return torch.minimum(across, _col(half_height) - (self.y - _col(y)).abs())

    def gable(self, x: Tensor, base: Tensor, half_width: Tensor, height: Tensor) -> Tensor:
        """An isosceles triangle standing on ``base``."""
        slope = height / half_width
        side = _col(height) - (self.y - _col(base)) - _col(slope) * (self.x - _col(x)).abs()
        return torch.minimum(side / _col(torch.hypot(slope, torch.ones(()))), self.y - _col(base))

    def trapezoid(
        self, x: Tensor, base: Tensor, half_width: Tensor, height: Tensor, inset: Tensor
    ) -> Tensor:
        lean = _col(inset / height)
        side = _col(half_width) - (self.x - _col(x)).abs() - lean * (self.y - _col(base))
        side = side / torch.hypot(lean, torch.ones(()))
        band = torch.minimum(self.y - _col(base), _col(base + height) - self.y)
        return torch.minimum(side, band)

    def disc(self, x: Tensor, y: Tensor, radius: Tensor | float) -> Tensor:
        return _col(radius) - torch.hypot(self.x - _col(x), self.y - _col(y))

    def arch(self, x: Tensor, base: Tensor, half_width: Tensor | float, height: Tensor) -> Tensor:
        """A window or a door: a box with a half disc on it."""
        return torch.maximum(
            self.box(x, base + height / 2, half_width, height / 2),
            torch.minimum(self.disc(x, base + height, half_width), self.y - _col(base)),
        )


def _col(values: Tensor | float) -> Tensor:
    """A value an image, ready to meet the pixels."""
    return torch.as_tensor(values)[..., None, None]


def _scene(canvas: _Canvas, u: _Draws) -> None:
    horizon = u.between(-0.45, -0.2)
    light = u.between(0.82, 1.08)
    u.note("horizon", horizon)
    _sky(canvas, u, horizon)
    ground = _ground(canvas, u, horizon)
    base = horizon - u.between(0.12, 0.28)
    _trees(canvas, u, base + 0.1, count=2)
    _church(canvas, u, base, light, ground)
    _trees(canvas, u, base - 0.08, count=1)


def _sky(canvas: _Canvas, u: _Draws, horizon: Tensor) -> None:
    sky = u.pick(SKIES, 0.05)
    u.note("sky", sky)
    height = ((canvas.y - _col(horizon)) / _col(1 - horizon)).clamp(0, 1).unsqueeze(1)
    canvas.rgb += sky[:, 1, :, None, None] + height * (sky[:, 0] - sky[:, 1])[:, :, None, None]
    white = torch.full((len(horizon), 3), 0.96)
    for _ in range(2):
        x, y = u.between(-0.9, 0.9), u.between(0.25, 0.85)
        wide, high = u.between(0.2, 0.45), u.between(0.06, 0.12)
        near = ((canvas.x - _col(x)) / _col(wide)) ** 2 + ((canvas.y - _col(y)) / _col(high)) ** 2
        opacity = u.chance(0.6) * u.between(0.4, 0.85)
        u.note("cloud", torch.stack([opacity, opacity * x, opacity * y], 1))
        canvas.soft((1.2 - near).clamp(0, 1) * _col(opacity), white)


def _ground(canvas: _Canvas, u: _Draws, horizon: Tensor) -> Tensor:
    ground = u.pick(GROUNDS)
    u.note("ground", ground)
    hill = _col(u.between(0.02, 0.12)) * torch.from_numpy(
        np.sin((_col(u.between(1.5, 3.5)) * canvas.x + _col(u.between(0.0, 6.28))).numpy())
    )
    far = 0.65 * ground + 0.35 * torch.tensor([0.45, 0.55, 0.62])
    canvas.fill(_col(horizon + 0.06) + hill - canvas.y, far)
    depth = ((_col(horizon) - canvas.y) / _col(horizon + 1)).clamp(0, 1).unsqueeze(1)
    shaded = ground[:, :, None, None] * (1.05 - 0.3 * depth)
    canvas.fill(_col(horizon) - canvas.y, shaded)
    return ground


def _trees(canvas: _Canvas, u: _Draws, base: Tensor, count: int) -> None:
    for _ in range(count):
        x, size = u.side() * u.between(0.62, 0.92), u.between(0.22, 0.42)
        there, conifer = u.chance(0.6), u.chance(0.5)
        green = u.pick(GREENS, 0.04)
        u.note("tree", there[:, None] * torch.stack([x, size, conifer], 1))
        trunk = torch.tensor([[0.30, 0.21, 0.14]]).expand(len(base), 3)
        canvas.fill(canvas.box(x, base + size * 0.2, size * 0.07, size * 0.25), trunk, there)
        cone = canvas.gable(x, base + size * 0.3, size * 0.42, size * 1.5)
        canvas.fill(cone, green, there * conifer)
        crown = canvas.disc(x, base + size * 0.95, size * 0.55)
        canvas.fill(crown, green, there * (1 - conifer))


def _church(canvas: _Canvas, u: _Draws, base: Tensor, light: Tensor, ground: Tensor) -> None:
    wall = (u.pick(WALLS) * light[:, None]).clamp(0, 1)
    roof = u.pick(ROOFS)
    x, half = u.between(-0.12, 0.12), u.between(0.36, 0.52)
    height, pitch = u.between(0.36, 0.5), u.between(0.22, 0.36)
    side = u.side()
    shade = (1.04 - 0.16 * (canvas.x * _col(side) + 1) / 2).unsqueeze(1)
    lit = wall[:, :, None, None] * shade
    canvas.fill(canvas.box(x, base - 0.01, half + 0.05, 0.025), ground * 0.7)
    canvas.fill(canvas.box(x, base + height / 2, half, height / 2), lit)
    inset = pitch * u.between(0.3, 0.9)
    canvas.fill(canvas.trapezoid(x, base + height, half + 0.04, pitch, inset), roof)
    tower = x + side * (half - u.between(0.02, 0.12))
    wide, tall = u.between(0.13, 0.19), height + pitch * 0.6 + u.between(0.08, 0.28)
    _windows(canvas, u, x - side * 0.14, base + height * 0.3, half - 0.14, height * 0.36)
    body = canvas.box(tower, base + tall / 2, wide, tall / 2)
    canvas.fill(body, lit)
    edge = _col(wide * 0.3) - (canvas.x - _col(tower + side * wide * 0.75)).abs()
    canvas.fill(torch.minimum(body, edge), wall * 0.82)
    _spire(canvas, u, tower, base + tall, wide, roof)
    dark = u.pick(OPENINGS, 0.03)
    canvas.fill(canvas.arch(tower, base + tall * 0.68, wide * 0.32, wide * 0.7), dark)
    canvas.fill(canvas.arch(tower, base, wide * 0.45, height * 0.36), dark * 0.8)
    u.note("colours", torch.cat([wall, roof], 1))
    u.note("church", torch.stack([base, x, half, height, pitch, tower, wide, tall], 1))


def _windows(
    canvas: _Canvas, u: _Draws, x: Tensor, base: Tensor, half: Tensor, height: Tensor
) -> None:
    glass = u.pick(GLASS, 0.04)
    u.note("glass", glass)
    for place in (-0.72, 0.0, 0.72):
        canvas.fill(canvas.arch(x + place * half, base, 0.04, height), glass)


def _spire(canvas: _Canvas, u: _Draws, x: Tensor, base: Tensor, half: Tensor, roof: Tensor) -> None:
    height = u.between(0.22, 0.5)
    u.note("spire", height)
    canvas.fill(canvas.gable(x, base, half + 0.03, height), roof * 0.9)
    gold = torch.tensor([[0.88, 0.76, 0.36]]).expand(len(x), 3)
    there = u.chance(0.7)
    canvas.fill(canvas.box(x, base + height + 0.05, 0.014, 0.075), gold, there)
    canvas.fill(canvas.box(x, base + height + 0.07, 0.05, 0.014), gold, there)
