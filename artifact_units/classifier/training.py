"""How the classifier is trained and counted; deterministic for equal seed, threads and images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from artifact_units.classifier.examples import Examples
from artifact_units.classifier.network import Classifier
from artifact_units.computing.batches import batched, in_room
from artifact_units.computing.elementwise import logsumexp
from artifact_units.computing.transfers import fetched, sent
from artifact_units.errors import UserError
from artifact_units.labels.verdicts import CLASSES
from artifact_units.shapes import Images, Logits

WEIGHT_DECAY = 1e-4


@dataclass(frozen=True)
class Epoch:
    """One line of the training curve: mean loss, accuracy on the validation split."""

    epoch: int
    loss: float
    validation_accuracy: float


def fit(
    classifier: Classifier,
    examples: Examples,
    *,
    frozen: bool,
    epochs: int,
    minibatch: int,
    rate: float,
    seed: int,
) -> list[Epoch]:
    """Train in place and keep the epoch that is best on validation (of equals, the last).

    Class-weighted cross entropy, AdamW with a one-cycle rate, horizontal flips. ``frozen``: the
    fully connected layer only. A minibatch that a GPU has no room for is a UserError, not halved.
    """
    network = classifier.network
    if frozen:
        network.requires_grad_(False)
        network.get_submodule("fc").requires_grad_(True)
    train, validation = examples.rows("train"), examples.rows("validation")
    order = torch.Generator().manual_seed(seed)
    step = _stepper(classifier, examples, rate, epochs * len(_minibatches(train, minibatch)))
    curve: list[Epoch] = []
    best, best_accuracy = {}, -1.0
    for epoch in range(1, epochs + 1):
        network.train(not frozen)
        mixed = train[torch.randperm(len(train), generator=order)]
        with in_room(f"a minibatch of {minibatch} in training", "train_classifier.minibatch lower"):
            losses = [step(rows, order) for rows in _minibatches(mixed, minibatch)]
        logits = predict(classifier, examples, validation, minibatch)
        accuracy = _accuracy(logits, examples.classes[validation])
        curve.append(_epoch(epoch, losses, accuracy))
        if accuracy >= best_accuracy:
            best, best_accuracy = {k: v.clone() for k, v in network.state_dict().items()}, accuracy
    network.load_state_dict(best)
    network.eval().requires_grad_(False)
    return curve


@torch.inference_mode()
def predict(classifier: Classifier, examples: Examples, rows: Tensor, batch: int) -> Logits:
    """The logits of some rows, on the CPU, in evaluation mode."""
    classifier.network.eval()
    pixels, device = examples.pixels, classifier.device
    parts = batched(rows, batch, lambda some: classifier(sent(pixels[some], device)))
    return torch.cat(list(fetched(parts)))


def metrics_of(logits: Logits, classes: Tensor) -> dict[str, int | float]:
    """Accuracy, the recall of every class, and the AUC of artifact against the rest.

    Refuses a classifier that finds no artifact: its masks would mean nothing.
    """
    recalls = {
        f"recall_{name}": _accuracy(logits[classes == index], classes[classes == index])
        for index, name in enumerate(CLASSES)
    }
    artifact = classes == CLASSES.index("artifact")
    if recalls["recall_artifact"] == 0:
        raise UserError(
            f"the classifier finds none of the {int(artifact.sum())} artifacts of the test split; "
            f"label more, or train longer (train_classifier.epochs)"
        )
    odds = logits[:, 0].double() - logsumexp(logits[:, 1:])
    auc = area_under_curve(odds.numpy(), artifact.numpy())
    values = {"accuracy": _accuracy(logits, classes), **recalls, "auc_artifact": auc}
    return {"test_images": len(classes), **{k: round(v, 6) for k, v in values.items()}}


def area_under_curve(scores: np.ndarray, positive: np.ndarray) -> float:
    """How often a positive scores above a negative; equal scores count half (Mann-Whitney)."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]  # 1-based, mean rank among equals
    positives, negatives = int(positive.sum()), int((~positive).sum())
    above = ranks[positive].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def confusion_of(logits: Logits, classes: Tensor) -> str:
    """A CSV line an image, ``actual,predicted``: what the confusion template of DVC counts."""
    pairs = zip(classes.tolist(), logits.argmax(1).tolist(), strict=True)
    lines = [f"{CLASSES[actual]},{CLASSES[predicted]}" for actual, predicted in pairs]
    return "\n".join(["actual,predicted", *lines, ""])


def curve_of(curve: Sequence[Epoch]) -> str:
    """The training curve as CSV."""
    lines = [f"{e.epoch},{e.loss:.6g},{e.validation_accuracy:.6g}" for e in curve]
    return "\n".join(["epoch,loss,validation_accuracy", *lines, ""])


def _stepper(
    classifier: Classifier, examples: Examples, rate: float, steps: int
) -> Callable[[Tensor, torch.Generator], Tensor]:
    """A function that trains on some rows once and returns their loss, not waited for."""
    device = classifier.device
    trained = [p for p in classifier.network.parameters() if p.requires_grad]
    optimiser = AdamW(trained, weight_decay=WEIGHT_DECAY, fused=True)
    schedule = OneCycleLR(optimiser, max_lr=rate, total_steps=steps)
    weights = _class_weights(examples.classes[examples.rows("train")]).to(device)

    def step(rows: Tensor, order: torch.Generator) -> Tensor:
        images = sent(_flipped(examples.pixels[rows], order), device)
        classes = sent(examples.classes[rows], device)
        loss = F.cross_entropy(classifier(images), classes, weights)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        return loss.detach()

    return step


def _minibatches(rows: Tensor, size: int) -> list[Tensor]:
    # The last, shorter one is left out: batch statistics of a few images are noise.
    return [part for part in rows.split(size) if len(part) == min(size, len(rows))]


def _flipped(images: Images, order: torch.Generator) -> Images:
    flip = torch.rand(len(images), generator=order) < 0.5
    return torch.where(flip[:, None, None, None], images.flip(3), images)


def _class_weights(classes: Tensor) -> Tensor:
    counts = torch.bincount(classes, minlength=len(CLASSES)).float()
    return counts.sum() / (len(CLASSES) * counts)


def _epoch(number: int, losses: list[Tensor], accuracy: float) -> Epoch:
    loss = torch.stack(losses).double().mean().item()
    if not np.isfinite(loss):
        raise UserError(f"the loss of epoch {number} is {loss}; lower train_classifier.rate")
    return Epoch(number, loss, accuracy)


def _accuracy(logits: Logits, classes: Tensor) -> float:
    return (logits.argmax(1) == classes).double().mean().item()
