"""How unlike two images look, away from the defect: structural dissimilarity at several scales.

SSIM (Wang et al., 2004) on luminance, Gaussian window of 11 pixels, averaged over the pixels
outside a mask and over SCALES halvings of the image (their multi-scale form, 2003, multiplies; the
mean has no trouble with negative values). It has no learnt weights, so nothing was fitted to these
images or to the defects, and nothing is fetched. It sees structure, not meaning.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from artifact_units.images.image_sets import unit_from_byte
from artifact_units.shapes import Images, Masks

WINDOW, DEVIATION = 11, 1.5
STABILISERS = 0.01**2, 0.03**2  # of the original
SCALES = 3
LUMINANCE = (0.299, 0.587, 0.114)


def dissimilarity(images: Images, others: Images, masks: Masks) -> Float[Tensor, " image"]:
    """(1 - SSIM) / 2 outside the masks, in [0, 1] by image; 0 where they are equal."""
    x, y = (_luminance(i) for i in (images, others))
    outside = (~masks)[:, None].float()
    found = []
    for _ in range(SCALES):
        unlike = (1 - _similarity(x, y)) / 2
        found.append((unlike * outside).sum((1, 2, 3)) / outside.sum((1, 2, 3)).clamp_min(1e-6))
        x, y, outside = (F.avg_pool2d(t, 2) for t in (x, y, outside))
    return torch.stack(found).mean(0)


def _luminance(images: Images) -> Tensor:
    weights = torch.tensor(LUMINANCE)[:, None, None]
    return (unit_from_byte(images) * weights).sum(1, keepdim=True)


def _similarity(x: Tensor, y: Tensor) -> Tensor:
    mean_x, mean_y = _smooth(x), _smooth(y)
    over_x, over_y = _smooth(x * x) - mean_x**2, _smooth(y * y) - mean_y**2
    shared = _smooth(x * y) - mean_x * mean_y
    a, b = STABILISERS
    luminance = (2 * mean_x * mean_y + a) / (mean_x**2 + mean_y**2 + a)
    return luminance * (2 * shared + b) / (over_x + over_y + b)


def _smooth(x: Tensor) -> Tensor:
    smoothing = _smoothing(x.shape[-1])
    return smoothing @ x @ smoothing.T


@cache
def _smoothing(px: int) -> Tensor:
    """A Gaussian window along one axis, mirrored at the borders, as a matrix ``[to, from]``."""
    places = np.arange(WINDOW) - WINDOW // 2
    row = torch.from_numpy(np.exp(-(places**2) / (2 * DEVIATION**2))).float()
    line = torch.eye(px)[:, None]
    padded = F.pad(line, (WINDOW // 2,) * 2, mode="reflect")
    return F.conv1d(padded, (row / row.sum())[None, None])[:, 0].T.contiguous()
