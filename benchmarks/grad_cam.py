"""Grad-CAM of a ResNet-18 at 256 px, per image, beside the package that published it for torch.

``python -m benchmarks.grad_cam`` compares ``artifact_units.maskers.grad_cam`` at the last two
stages with grad-cam (of the development tools) on the same images, weights and target. That
package enlarges and normalises its heatmaps; ours are treated alike before they are compared.
Weights are random, with batch statistics of random images.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor
from torch.nn import functional as F

from artifact_units.classifier.masking import MaskerEvidence
from artifact_units.classifier.network import Classifier, new_classifier
from artifact_units.maskers.grad_cam import mask
from benchmarks.common import compare, start, with_peak

PX = 256
TOLERANCE = 1e-3  # of a heatmap in [0, 1]


def some(images: int, seed: int) -> Tensor:
    """Bytes of smooth random images."""
    stream = torch.Generator().manual_seed(seed)
    small = torch.rand(images, 3, 16, 16, generator=stream)
    return (F.interpolate(small, size=(PX, PX), mode="bilinear") * 255).byte()


def built() -> Classifier:
    classifier = new_classifier("resnet18", PX, 0)
    with torch.no_grad():
        classifier(some(8, 1))
    classifier.network.eval().requires_grad_(False)
    return classifier


def ours(classifier: Classifier, batches: list[Tensor], stage: Any) -> Tensor:
    ids = np.arange(len(batches[0]))
    seen = (MaskerEvidence(classifier, batch, ids, ids, Path()) for batch in batches)
    return torch.cat([mask(each, stage=stage, target="artifact")[1] for each in seen])


def packages(classifier: Classifier, batches: list[Tensor], stage: str) -> Tensor:
    classifier.network.requires_grad_(True)  # it fails on a frozen network
    found = []
    with GradCAM(model=classifier.network, target_layers=[classifier.stage(stage)]) as cam:
        for images in batches:
            targets: list[Any] = [ClassifierOutputTarget(0)] * len(images)
            found.append(torch.from_numpy(cam(classifier.prepared(images), targets)))
    classifier.network.requires_grad_(False).zero_grad()
    return torch.cat(found)


def stretched(heatmaps: Tensor) -> Tensor:
    """Each from 0 to 1, as the package does before and after it enlarges them."""
    low, high = heatmaps.amin((1, 2), keepdim=True), heatmaps.amax((1, 2), keepdim=True)
    return (heatmaps - low) / (high - low).clamp(min=1e-12)


def apart(ours: Tensor, theirs: Tensor) -> str:
    large = F.interpolate(stretched(ours)[:, None], size=(PX, PX), mode="bilinear")[:, 0]
    gap = (stretched(large) - theirs).abs().amax().item()
    if gap > TOLERANCE:
        raise click.ClickException(f"heatmaps differ by {gap}")
    return f"differs by at most {gap:.1e}"


@click.command()
@click.option("--images", default=4, help="Of one batch.")
@click.option("--rounds", default=3, help="Runs of each way; the median counts.")
def main(images: int, rounds: int) -> None:
    """Print what a heatmap costs with the last and the last but one stage."""
    start(f"Grad-CAM of a ResNet-18 at {PX} px, batches of {images}, per image")
    classifier, batch = built(), [some(images, 2)]
    for stage in ("layer4", "layer3"):
        click.echo(stage)
        ways = {"ours": ours, "grad-cam": packages}
        compare(
            {name: partial(way, classifier, batch, stage) for name, way in ways.items()},
            apart,
            rounds=rounds,
            per=images,
        )
    forward = partial(torch.no_grad()(classifier), batch[0])
    click.echo("\nlogits alone")
    compare({"forward pass": forward}, lambda _a, _b: "", rounds=rounds, per=images)
    for many in (2, 10):
        peak = with_peak(partial(ours, classifier, batch * many, "layer3"))[1]
        click.echo(f"peak of {many:2} batches: {'-' if peak is None else f'{peak / 1e6:.0f} MB'}")


if __name__ == "__main__":
    main()
