"""What is on the shelves and in the studies, small, beside what the stages run."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from artifact_units import registry

Found = Iterator[tuple[str, Any]]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def pixels(images: int, px: int) -> Tensor:
    return (drawn(images, 3, px, px) * 60 + 128).clamp(0, 255).byte()


def families() -> Found:
    """Images and the last layer's maps of every example of every family."""
    from artifact_units.generators import as_generator, own
    from artifact_units.layers.hooks import recorded

    for name, family in sorted(own.families().items()):
        for number, example in enumerate(family.examples):
            network = family.network(**example)
            for key, tensor in network.state_dict().items():
                if tensor.is_floating_point() and not key.endswith(("var", "variances", "slope")):
                    tensor.copy_(drawn(*tensor.shape, seed=1) * 0.3)
            generator = as_generator(network)
            classes = torch.zeros(5, dtype=torch.long) if generator.classes else None
            last = generator.layers[-1].name
            with torch.inference_mode(), recorded(generator, [last]) as maps:
                yield f"{name} {number}", generator(drawn(5, generator.latent_dim), classes)
            yield f"{name} {number} {last}", maps[last]


def embedded() -> Found:
    """The embedded domain's own generator."""
    from artifact_units.generators import load_generator

    generator = load_generator(Path(__file__).parents[2] / "demo/church_generator.safetensors")
    with torch.inference_mode():
        yield "church", generator(drawn(4, generator.latent_dim))
        yield "one", generator(drawn(1, generator.latent_dim))


def classifiers() -> Found:
    """Two training steps of every network, and its logits."""
    from typing import get_args

    from torch.nn import functional as F
    from torch.optim import AdamW

    from artifact_units.classifier.network import new_classifier
    from steps.making.parameters import TrainClassifier

    images, classes = pixels(6, 32), torch.arange(6) % 3
    for name in get_args(TrainClassifier.model_fields["network"].annotation):
        classifier = new_classifier(name, 32, 0)
        optimiser = AdamW(classifier.network.parameters(), fused=True)
        classifier.network.train()
        for _ in range(2):
            F.cross_entropy(classifier(images), classes).backward()
            optimiser.step()
        classifier.network.eval()
        with torch.inference_mode():
            yield name, classifier(images)


def extractors() -> Found:
    """The scene encoder; the published ones are networks like the classifiers'."""
    weights = Path(__file__).parents[2] / "demo/scene_encoder.safetensors"
    load = registry.take("extractors", "scene")
    yield "scene", load(weights, torch.device("cpu")).extract(pixels(5, 48))


def perceptual() -> Found:
    """ST-LPIPS of random weights."""
    from artifact_units.evaluation.perceptual import Perceptual, shapes

    state = {name: drawn(*shape) / np.prod(shape[1:]) ** 0.5 for name, shape in shapes().items()}
    yield "st-lpips", Perceptual(state)(pixels(2, 32), pixels(2, 32).flip(3))


def metrics() -> Found:
    """Every metric of features that are as many as a library cuts into blocks, and resampled."""
    options = {"neighbours": 3, "subsets": 4, "subset_size": 20, "seed": 0}
    real, generated = drawn(60, 80), drawn(50, 80, seed=1) + 0.5
    counts = np.random.default_rng(0).multinomial(50, np.full(50, 1 / 50), size=4)
    for name in registry.names("metrics"):
        measure = registry.take("metrics", name)
        taken = inspect.signature(measure).parameters
        given = {key: value for key, value in options.items() if key in taken}
        yield name, measure(real, generated, **given)
        if resample := getattr(sys.modules[measure.__module__], "resample", None):
            taken = inspect.signature(resample).parameters
            given = {key: value for key, value in options.items() if key in taken}
            for key, values in resample(real, generated, counts, **given).items():
                yield f"{name} {key} resampled", values
    from artifact_units.evaluation import gaussians

    yield "distance", gaussians.distance(gaussians.Gaussian.of(real[:, :9]), generated[:, :9])


def heatmaps() -> Found:
    """Grad-CAM and heatmaps of files, resized."""
    from artifact_units.classifier.masking import MaskerEvidence
    from artifact_units.classifier.network import new_classifier

    images, ids = pixels(3, 32), np.arange(3)
    with TemporaryDirectory() as folder:
        for number in ids:
            np.save(f"{folder}/{number}.npy", drawn(32, 32, seed=int(number)).sigmoid().numpy())
        classifier = new_classifier("resnet18", 32, 0)
        evidence = MaskerEvidence(classifier, images, ids, ids, Path(folder))
        for stage in ("layer2", "layer4"):
            mask = registry.take("maskers", "grad_cam")
            for target in ("artifact", "contrast"):
                yield f"{stage} {target}", mask(evidence, stage=stage, target=target)[1]
        yield "from_files", registry.take("maskers", "from_files")(evidence, grid=9)[1]


def training() -> Found:
    """Steps of the embedded GAN, one of them faded in, and of the scene encoder."""
    from demo.domain.churches import render_churches
    from demo.domain.encoder import scenes, train
    from demo.domain.gan import Trainer

    torch.manual_seed(0)
    trainer = Trainer(render_churches(1, range(8), 64), 4)
    for px in (8, 16):
        trainer.run(px, 8, tell=lambda _: None)
    yield from trainer.network().state_dict().items()
    yield "encoder", train(*scenes(2, range(64), 32), 1).head.weight


def surges() -> Found:
    """The other kinds of planted defects."""
    from small_generator import small_generator

    from artifact_units.images.latents import latents_of
    from demo.domain.surges import plant_surges

    planted = plant_surges(small_generator(), latents_of(range(40), 8), 0, layers=[2, 4], count=2)
    with torch.inference_mode():
        yield "broken", planted.broken(latents_of(range(3), 8))


def studies() -> Found:
    """Likeness and statistics of the bench."""
    from studies.bench.likeness import dissimilarity
    from studies.bench.statistics import student

    masks = drawn(3, 32, 32) > 1
    yield "likeness", dissimilarity(pixels(3, 32), pixels(3, 32).flip(2), masks)
    yield "student", student(7)


PIECES = {
    piece.__name__: piece
    for piece in (
        *(families, embedded, classifiers, extractors, perceptual, metrics, heatmaps),
        *(training, surges, studies),
    )
}
