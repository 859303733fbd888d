"""What is learnt from labels with errors: the classifier, its heatmaps, the rankings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path

import numpy as np
import torch

from artifact_units import registry
from artifact_units.classifier import training
from artifact_units.classifier.examples import Examples
from artifact_units.classifier.heatmaps import masks_from
from artifact_units.classifier.masking import MaskerEvidence
from artifact_units.classifier.network import Classifier, new_classifier
from artifact_units.corrections.correction import ARTIFACT
from artifact_units.corrections.evidence import CorrectionEvidence
from artifact_units.corrections.judge import Judge
from artifact_units.images.latents import latents_of
from artifact_units.labels.splits import stratified
from artifact_units.labels.verdicts import CLASSES
from artifact_units.shapes import Featuremaps, Images, Latents, Logits, Masks
from artifact_units.units.evidence import Evidence, RankedLayer, UnitScores
from artifact_units.units.scoring import rank_of
from demo.domain.annotator import verdicts_of
from studies.bench.methods import RANKINGS, STAGES
from studies.bench.settings import BATCH
from studies.bench.stand import Stand

NETWORK = "resnet18_narrow"  # of params.yaml


class Learned:
    """One set of labels of a stand's generations, wrong at a rate of ``error``.

    ``masks`` of the collected: ``fine`` or ``last``, by the classifier, or ``true``. ``scores`` of
    a ranking (and repeat): float64 ``[unit]`` by layer. Each is computed once.
    """

    def __init__(self, stand: Stand, seed: int, error: float) -> None:
        self.stand, self.settings, self.seed = stand, stand.settings, seed
        self.images, seen = stand.labelled
        self.ids = seen.ids
        verdicts = verdicts_of(seen.ids, seen.artifact, "", error, seed)
        self.said = np.array([v.verdict for v in verdicts])
        self.masks, self.scores = cache(self._masks), cache(self._scores)
        shares = {"validation": self.settings.validation, "test": 0.0}
        self.splits = np.array(stratified(seen.ids, self.said.tolist(), **shares, seed=seed))

    @cached_property
    def classifier(self) -> Classifier:
        """The cell's own."""
        return self.trained(self.seed)

    def trained(self, seed: int) -> Classifier:
        """Trained on the labelled generations and the reals, by a seed; in evaluation mode."""
        s = self.settings
        real_ids = range(len(self.stand.reals))
        words = [*self.said, *["real"] * len(real_ids)]
        splits = stratified(
            real_ids, ["real"] * len(real_ids), validation=s.validation, test=0.0, seed=self.seed
        )
        examples = Examples(
            torch.cat([self.images, self.stand.reals]),
            torch.tensor([CLASSES.index(word) for word in words]),
            np.array([*self.splits, *splits]),
        )
        classifier = new_classifier(NETWORK, self.images.shape[-1], seed)
        how = {"epochs": s.epochs, "minibatch": s.minibatch, "rate": s.rate, "seed": seed}
        training.fit(classifier, examples, frozen=False, **how)
        return classifier

    @cached_property
    def probability(self) -> np.ndarray:
        """The classifier's artifact probability of the labelled generations."""
        return self.logits(self.images).double().softmax(1)[:, ARTIFACT].numpy()

    def logits(self, images: Images) -> Logits:
        """The classifier's."""
        return _logits(self.classifier, images)

    @cached_property
    def collected(self) -> np.ndarray:
        """Rows of the labelled generations that rankings look at: the first of each label."""
        rows = [np.flatnonzero(self.said == w)[: self.settings.collected] for w in CLASSES[:2]]
        return np.sort(np.concatenate(rows))

    def _masks(self, which: str) -> Masks:
        _, seen = self.stand.labelled
        if which == "true":
            return seen.masks[torch.from_numpy(self.collected)]
        stage, target = STAGES[which]
        mask = registry.take("maskers", "grad_cam")
        asked, heat = self.ids[self.collected], []
        for rows in torch.from_numpy(self.collected).split(100):
            batch = (self.images[rows], self.ids[rows.numpy()], asked, Path())
            heat.append(
                mask(MaskerEvidence(self.classifier, *batch), stage=stage, target=target)[1]
            )
        return masks_from(torch.cat(heat), self.settings.mask_threshold, self.settings.iou_px)

    def _scores(self, ranking: str, repeat: int) -> Mapping[str, np.ndarray]:
        plan = RANKINGS[ranking]
        score = registry.take("rankings", plan.file)
        found: dict[str, UnitScores] = {
            layer: score(self._evidence(layer, plan.masks, repeat), **plan.options)
            for layer in self.stand.layers
        }
        return {layer: np.asarray(f.score, np.float64) for layer, f in found.items()}

    def corrector_evidence(self, ranking: str, repeat: int = 0) -> CorrectionEvidence:
        """What a corrector may look at."""
        ranked = {
            layer: RankedLayer(layer, score, np.argsort(rank_of(score)))
            for layer, score in self.scores(ranking, repeat).items()
        }
        ids = [int(i) for i in self.ids]
        return CorrectionEvidence(
            ranked=ranked,
            repeat=repeat,
            labels=dict(zip(ids, self.said.tolist(), strict=True)),
            probability=dict(zip(ids, self.probability.tolist(), strict=True)),
            collected=self.ids[self.collected],
            featuremaps=self._maps,
            latents=self._latents,
        )

    @cached_property
    def judge(self) -> Judge:
        """What every search asks: the same labelled generations, the same cost."""
        return self.judge_by(self.classifier)

    def judge_by(self, classifier: Classifier) -> Judge:
        """The same by another classifier."""
        s = self.settings
        ids = [self.validation(label, s.chosen_on) for label in ("artifact", "normal")]
        classify = partial(_logits, classifier)
        return Judge(self.stand.broken, classify, *ids, batch=BATCH, harm=s.harm)

    def validation(self, label: str, wanted: int) -> np.ndarray:
        """The last ids of a label in the validation split, as ``judge.looked_at`` takes them."""
        return self.ids[(self.splits == "validation") & (self.said == label)][-wanted:]

    def _evidence(self, layer: str, masks: str, repeat: int) -> Evidence:
        stand, (_, seen) = self.stand, self.stand.labelled
        thresholds, maxima = stand.surveyed
        found = Evidence(
            layer=layer,
            ids=self.ids[self.collected],
            artifact=self.said[self.collected] == "artifact",
            featuremaps=self._maps(layer),
            masks=self.masks(masks),
            thresholds=thresholds[layer],
            maxima=maxima[layer],
            unlabelled=stand.unlabelled,
            reals=stand.real_features,
            seed=self.seed,
            repeat=repeat,
        )
        return replace(found, artifact=seen.artifact[self.collected]) if masks == "true" else found

    def _maps(self, layer: str) -> Featuremaps:
        return self.stand.featuremaps[layer][torch.from_numpy(self.collected)]

    def _latents(self, ids: object) -> Latents:
        return latents_of(list(ids), self.stand.broken.latent_dim)  # type: ignore[call-overload]


def _logits(classifier: Classifier, images: Images) -> Logits:
    with torch.inference_mode():
        return torch.cat([classifier(part) for part in images.split(100)])
