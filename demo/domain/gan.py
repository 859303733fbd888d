"""The training of the embedded domain's GAN, one resolution after another.

Non-saturating loss with R1 (Mescheder et al., ICML 2018) every few steps, equalised learning
rate, moving average of the weights, new resolutions faded in (Karras et al., ICLR 2018).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from artifact_units.generators.pggan import PGGAN
from artifact_units.shapes import Images, RawImages
from demo.domain.critic import Critic
from demo.domain.growth import LATENT_DIM, PX, WIDTHS, Growing

RATE = 2e-3
GAMMA = {8: 0.05, 16: 0.1, 32: 0.25, 64: 0.5}  # weight of R1, by resolution
LAZY = 8  # R1 is taken every so many steps
HALF_LIFE = 3000  # of the moving average, in images shown
REPORT = 250  # steps a line of progress


class Trainer:
    """Generator, critic and the moving average; ``reals`` is uint8 ``[image, 3, 64, 64]``."""

    def __init__(self, reals: Images, batch: int) -> None:
        self.reals, self.batch, self.shown = reals, batch, 0
        self.growing = Growing()
        self.average = {k: v.detach().clone() for k, v in self.growing.raw.items()}
        self.critic = Critic(WIDTHS[1::2])

    def run(self, px: int, shown: int, tell: Callable[[str], None]) -> None:
        """Train at ``px`` until ``shown`` more images were shown; the first third fades it in."""
        self.growing.at(px)
        optimisers = [_adam(list(self.growing.raw.values())), _adam(list(self.critic.parameters()))]
        generator_step, critic_step = optimisers
        steps = shown // self.batch
        fade = steps // 3 if px > 8 else 0
        losses: list[tuple[float, float]] = []
        for step in range(steps):
            alpha = min(1.0, (step + 1) / fade) if fade else 1.0
            if px == PX:
                for optimiser in optimisers:
                    left = 1 - step / steps
                    optimiser.param_groups[0]["lr"] = RATE * min(1.0, left / 0.4 + 0.05)
            critic_loss = self._critic_loss(px, alpha, penalise=step % LAZY == 0)
            _descend(critic_step, critic_loss)
            generator_loss = self._generator_loss(px, alpha)
            _descend(generator_step, generator_loss)
            self._follow()
            losses.append((critic_loss.item(), generator_loss.item()))
            if len(losses) == REPORT:
                tell(f"px {px} step {step + 1}/{steps} {_summary(losses)}")
                losses.clear()

    def network(self) -> PGGAN:
        """The full-size network with the averaged weights."""
        return self.growing.network(self.average)

    def _critic_loss(self, px: int, alpha: float, penalise: bool) -> Tensor:
        real = self._reals(px, alpha)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            with torch.no_grad():
                fake = self._generate(px, alpha)
            loss = F.softplus(self.critic(fake, px, alpha)).mean()
            loss = loss + F.softplus(-self.critic(real, px, alpha)).mean()
        return loss + self._penalty(real, px, alpha) if penalise else loss

    def _penalty(self, real: RawImages, px: int, alpha: float) -> Tensor:
        real = real.float().requires_grad_(True)
        logits = self.critic(real, px, alpha).float().sum()
        slope = torch.autograd.grad(logits, real, create_graph=True)[0]
        return GAMMA[px] / 2 * LAZY * slope.square().sum((1, 2, 3)).mean()

    def _generator_loss(self, px: int, alpha: float) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return F.softplus(-self.critic(self._generate(px, alpha), px, alpha)).mean()

    def _generate(self, px: int, alpha: float) -> RawImages:
        latents = torch.randn(self.batch, LATENT_DIM)
        return self.growing.generate(self.growing.raw, latents, px, alpha)

    def _reals(self, px: int, alpha: float) -> RawImages:
        picked = torch.randint(len(self.reals), (self.batch,))
        real = self.reals[picked].float().div_(127.5).sub_(1)
        real = F.avg_pool2d(real, PX // px) if px < PX else real
        if alpha < 1:
            low = F.interpolate(F.avg_pool2d(real, 2), scale_factor=2, mode="nearest")
            real = low + alpha * (real - low)
        return real

    @torch.no_grad()
    def _follow(self) -> None:
        self.shown += self.batch
        for name, value in self.growing.raw.items():
            self.average[name].lerp_(value, 1 - 0.5 ** (self.batch / HALF_LIFE))


def _adam(parameters: list[Tensor]) -> torch.optim.Adam:
    return torch.optim.Adam(parameters, lr=RATE, betas=(0.0, 0.99), fused=True)


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def _summary(losses: list[tuple[float, float]]) -> str:
    critic, generator = (sum(column) / len(losses) for column in zip(*losses, strict=True))
    return f"critic {critic:.3f} generator {generator:.3f} cpu-s {time.process_time():.0f}"
