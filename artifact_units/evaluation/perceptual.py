"""ST-LPIPS (Ghildyal and Liu, ECCV 2022): how different two images look; 0 of the same image.

LPIPS (Zhang et al., CVPR 2018) whose AlexNet is blurred before every halving and reflected at its
borders, so that a shift of a pixel hardly counts. Its numbers are not those of LPIPS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from artifact_units.computing.transfers import sent
from artifact_units.errors import UserError
from artifact_units.files.weights import KnownWeights, misfit, read_weights
from artifact_units.images.image_sets import unit_from_byte
from artifact_units.shapes import Featuremaps, Images

WEIGHTS = KnownWeights(
    file="alex_shift_tolerant.pth",
    sha256="b356b382f960",
    source="the package stlpips-pytorch 0.0.2",
)
LEAST = 32  # px; fewer, and nothing is left to reflect
AT_ONCE = 2**19  # pixels in hand: the first layer makes 64 values of each
EPSILON = 1e-10
# Of each of the five convolutions: units that enter, units, kernel, padding.
TRUNK = {
    "slice1.0": (3, 64, 11, 2),
    "slice2.5": (64, 192, 5, 2),
    "slice3.9": (192, 384, 3, 1),
    "slice4.11": (384, 256, 3, 1),
    "slice5.13": (256, 256, 3, 1),
}
BLURS = {"slice1.1": 64, "slice2.4": 64, "slice3.8": 192}


@dataclass(frozen=True)
class Perceptual:
    """``perceptual(images, others)`` is their distance, image by image."""

    state: dict[str, Tensor]

    @torch.inference_mode()
    def __call__(self, images: Images, others: Images) -> Float[Tensor, " batch"]:
        """uint8 images of one size, 32 px or more -> float32 ``[batch]``, where the network is."""
        if min(images.shape[2:]) < LEAST:
            raise UserError(f"images of {min(images.shape[2:])} px; ST-LPIPS takes {LEAST} or more")
        size = max(1, AT_ONCE // images.shape[2:].numel())
        parts = zip(images.split(size), others.split(size), strict=True)
        return torch.cat([self._apart(*part) for part in parts])

    def _apart(self, images: Images, others: Images) -> Float[Tensor, " batch"]:
        device = self.state["scaling_layer.scale"].device
        found = torch.zeros(len(images), device=device)
        pairs = zip(*(self._maps(sent(given, device)) for given in (images, others)), strict=True)
        for k, (one, other) in enumerate(pairs):
            squares = (_directions(one) - _directions(other)).square()
            found += F.conv2d(squares, self.state[f"lin{k}.model.1.weight"]).mean((1, 2, 3))
        return found

    def _maps(self, images: Images) -> Iterator[Featuremaps]:
        """What each of the five layers gives, after its ReLU."""
        x = 2 * unit_from_byte(images) - 1
        x = (x - self.state["scaling_layer.shift"]) / self.state["scaling_layer.scale"]
        yield (x := self._blurred(self._convolved(x, "slice1.0"), "slice1.1").relu())
        for blur, layer in (("slice2.4", "slice2.5"), ("slice3.8", "slice3.9")):
            x = self._blurred(F.max_pool2d(x, 3, 1), blur)
            yield (x := self._convolved(x, layer).relu())
        for layer in ("slice4.11", "slice5.13"):
            yield (x := self._convolved(x, layer).relu())

    def _convolved(self, x: Tensor, name: str) -> Tensor:
        weight, bias = (self.state[f"net.{name}.{which}"] for which in ("weight", "bias"))
        return F.conv2d(x, weight, bias, padding=TRUNK[name][3])

    def _blurred(self, x: Tensor, name: str) -> Tensor:
        """Every second position of the blurred map."""
        padded = F.pad(x, (2, 2, 2, 2), mode="reflect")
        return F.conv2d(padded, self.state[f"net.{name}.filt"], stride=2, groups=x.shape[1])


def load(weights: Path, device: torch.device) -> Perceptual:
    """The distance of a published weights file (AlexNet's), on ``device``."""
    state = read_weights(weights, WEIGHTS)
    for name, shape in shapes().items():
        found = list(state[name].shape) if name in state else "missing"
        if found != list(shape):
            raise misfit(weights, RuntimeError(f"{name} is {found}; it should be {list(shape)}"))
    return Perceptual({name: state[name].float().to(device) for name in shapes()})


def shapes() -> dict[str, tuple[int, ...]]:
    """Of every tensor of the file."""
    found: dict[str, tuple[int, ...]] = {
        f"scaling_layer.{which}": (1, 3, 1, 1) for which in ("shift", "scale")
    }
    for k, (name, (entries, units, kernel, _)) in enumerate(TRUNK.items()):
        found[f"net.{name}.weight"] = (units, entries, kernel, kernel)
        found[f"net.{name}.bias"] = (units,)
        found[f"lin{k}.model.1.weight"] = (1, units, 1, 1)
    return found | {f"net.{name}.filt": (units, 1, 3, 3) for name, units in BLURS.items()}


def _directions(maps: Featuremaps) -> Featuremaps:
    """Of each position the direction of its units: divided by their length."""
    return maps / (torch.linalg.vector_norm(maps, dim=1, keepdim=True) + EPSILON)
