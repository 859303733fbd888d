"""What a corrector may look at, opened from what earlier stages wrote; see ``evidence.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from artifact_units.classifier.heatmaps import read_heatmaps
from artifact_units.classifier.network import Classifier, load_classifier
from artifact_units.classifier.selection import labels_of
from artifact_units.corrections.correction import ARTIFACT, Correction
from artifact_units.corrections.evidence import CorrectionEvidence
from artifact_units.images.latents import latents_of
from artifact_units.layers.generator import Generator
from artifact_units.registry import check_options, take
from artifact_units.shapes import Images, Latents, Logits
from artifact_units.units.featuremaps import StoredFeaturemaps, open_featuremaps, read_ids
from artifact_units.units.ranked import read_ranking


def open_evidence(
    scores: Path,
    network: Callable[[], Generator],
    *,
    featuremaps: Path,
    labels: Path,
    heatmaps: Path,
) -> list[CorrectionEvidence]:
    """The evidence of each repeat of one ranking, by its table ``scores``.

    ``featuremaps`` is the folder of ``collect_featuremaps``; a layer is read when it is needed, a
    few images at a time. ``network`` is asked for the generator by those who
    look at latents.
    """
    folder = featuremaps / "featuremaps"
    collected = read_ids(folder)
    given = labels_of(labels, collected)
    said = read_heatmaps(heatmaps, "labelled")
    probability = said.logits.double().softmax(1)[:, ARTIFACT].tolist()
    known = dict(zip(said.ids.tolist(), probability, strict=True))

    def read(layer: str) -> StoredFeaturemaps:
        return open_featuremaps(folder, layer, torch.device("cpu"))

    def latents(ids: Sequence[int]) -> Latents:
        return latents_of(ids, network().latent_dim)

    return [
        CorrectionEvidence(ranked, repeat, given, known, collected, read, latents)
        for repeat, ranked in enumerate(read_ranking(scores))
    ]


def correction_of(
    corrector: str, options: Mapping[str, Any], evidence: CorrectionEvidence, gate: float = 0.0
) -> Correction:
    """What a corrector makes of the evidence; with a ``gate``, where that is passed.

    A corrector with a gate of its own (``rejection``) keeps it where none is given.
    """
    checked = check_options("correctors", corrector, options)
    correction = take("correctors", corrector)(evidence, **checked)
    return replace(correction, gate=gate) if gate else correction


def classifying(path: Path, device: torch.device) -> Callable[[Images], Logits]:
    """The classifier of ``train_classifier`` on ``device``; loaded when it is first asked."""

    @cache
    def classifier() -> Classifier:
        return load_classifier(path).to(device)

    return lambda images: classifier()(images)
