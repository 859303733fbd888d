"""Grad-CAM (Selvaraju et al., ICCV 2017), the paper's mask of the defective region (section 3.1).

``alpha_k = mean over positions of d y / d A_k`` and ``heatmap = ReLU(sum_k alpha_k A_k)``, divided
by its maximum. At the stage that is pooled into the fully connected layer alpha is that layer's
weight over the number of positions (Zhou et al., CVPR 2016), and nothing is differentiated.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from artifact_units.classifier.masking import MaskerEvidence
from artifact_units.classifier.network import STAGES, Classifier
from artifact_units.computing.transfers import sent
from artifact_units.shapes import Featuremaps, Heatmaps, Images, Logits

# y as a sum of the logits of artifact, normal, real (before the softmax).
TARGETS = {"artifact": (1.0, 0.0, 0.0), "contrast": (1.0, -1.0, 0.0)}


def mask(
    evidence: MaskerEvidence,
    *,
    stage: Literal["layer1", "layer2", "layer3", "layer4"] = "layer4",
    target: Literal["artifact", "contrast"] = "artifact",
) -> tuple[Logits, Heatmaps]:
    """Logits of the images, and where they speak for the target, on the stage's own grid.

    ``stage``: the paper takes the last, layer4; an earlier one may have a finer grid. ``target``:
    ``artifact`` is that logit, ``contrast`` is artifact minus normal. A heatmap is in [0, 1] with
    maximum 1, or all zero where nothing speaks for the target.
    """
    classifier, pooled = evidence.classifier, stage == STAGES[-1]
    with torch.inference_mode(False), torch.set_grad_enabled(not pooled):
        logits, maps = _forward(classifier, evidence.images, stage)
        target_of = sent(torch.tensor(TARGETS[target]), logits.device)
        if pooled:
            alpha = _alpha_of_head(classifier, maps, target_of)
        else:
            alpha = _alpha_by_gradient(logits, maps, target_of)
    return logits.detach(), _heatmaps(maps.detach(), alpha)


def _forward(classifier: Classifier, images: Images, stage: str) -> tuple[Logits, Featuremaps]:
    """Logits, and the stage's output cut off from what is below: gradients end there."""
    kept: list[Tensor] = []

    def cut(_module: Any, _inputs: Any, output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_(torch.is_grad_enabled()))
        return kept[-1]

    handle = classifier.stage(stage).register_forward_hook(cut)
    try:
        return classifier(images), kept[0]
    finally:
        handle.remove()


def _alpha_by_gradient(logits: Logits, maps: Featuremaps, target_of: Tensor) -> Tensor:
    # An image's logits depend on its own maps alone, so one sum gives every image its gradient.
    (gradient,) = torch.autograd.grad((logits @ target_of).sum(), maps)
    return gradient.mean((2, 3))


def _alpha_of_head(classifier: Classifier, maps: Featuremaps, target_of: Tensor) -> Tensor:
    weight = classifier.network.get_parameter("fc.weight").detach()
    alpha = target_of @ weight / (maps.shape[2] * maps.shape[3])
    return alpha.expand(len(maps), -1)


def _heatmaps(maps: Featuremaps, alpha: Tensor) -> Heatmaps:
    raw = torch.einsum("bu,burc->brc", alpha, maps).relu()
    peak = raw.amax((1, 2), keepdim=True)
    return raw / torch.where(peak > 0, peak, 1)
