"""Where a broken generation differs from its clean twin: the truth of the embedded domain."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from artifact_units.shapes import Images, Masks


def difference(broken: Images, clean: Images) -> Tensor:
    """|broken - clean|, [0, 2], mean over colours: ``[batch, height, width]``."""
    return (broken.float() - clean.float()).abs().div(127.5).mean(1)


def truth_masks(broken: Images, clean: Images, threshold: float) -> Masks:
    """True where the 3x3 mean of the difference is above ``threshold``."""
    smooth = F.avg_pool2d(difference(broken, clean), 3, 1, padding=1, count_include_pad=False)
    return smooth > threshold


def areas(masks: Masks) -> Tensor:
    """The part of each image that its mask covers, float64 ``[batch]``."""
    return masks.double().mean((1, 2))
