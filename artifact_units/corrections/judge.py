"""What a correction costs where no truth is known: the classifier's word on labelled generations.

The cost is the mean artifact probability of corrected artifacts and, against corrections that
please the classifier by changing everything, ``harm`` times the mean change of corrected normals
(unit range): with harm 10, a change of one part in a thousand weighs as much as one per cent of
probability. The generations are of the classifier's validation split, from the last id down;
featuremaps are collected from the first id up, so few or none were scored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from artifact_units.computing.batches import batched
from artifact_units.computing.transfers import sent
from artifact_units.corrections.correction import Correction, artifact_probability, corrected
from artifact_units.errors import UserError
from artifact_units.files.tables import read_table, write_table
from artifact_units.layers.generator import Generator
from artifact_units.shapes import Images, Logits

NOISE = 2.0  # standard errors: costs that differ by less are tied


@dataclass(frozen=True)
class Judged:
    """What the classifier says of corrected generations, float64 arrays, one value each.

    ``artifacts`` and ``normals`` are artifact probabilities, ``change`` is the mean absolute change
    of each normal generation, unit range.
    """

    artifacts: np.ndarray  # [artifact]
    normals: np.ndarray  # [normal]
    change: np.ndarray  # [normal]
    harm: float

    @property
    def cost(self) -> float:
        """Less is better."""
        return float(self.artifacts.mean() + self.harm * self.change.mean())

    def ties(self, other: Judged) -> bool:
        """Whether the costs of two corrections of the same generations differ by noise alone.

        That is at most ``NOISE`` standard errors of the paired difference.
        """
        artifacts = self.artifacts - other.artifacts
        change = self.harm * (self.change - other.change)
        error = sum(d.var(ddof=1) / len(d) for d in (artifacts, change)) ** 0.5
        return bool(abs(artifacts.mean() + change.mean()) <= NOISE * error)


class Judge:
    """Corrects the generations looked at, and asks the classifier about them.

    ``artifacts`` and ``normals`` are their ids; ``harm`` is the weight of the normals' change.
    """

    def __init__(
        self,
        generator: Generator,
        classify: Callable[[Images], Logits],
        artifacts: np.ndarray,
        normals: np.ndarray,
        *,
        batch: int,
        harm: float,
    ) -> None:
        self.generator, self.classify = generator, classify
        self.artifacts, self.normals = artifacts, normals
        self.batch, self.harm = batch, harm
        self.before = self.images(normals, Correction())

    def judged(self, correction: Correction) -> Judged:
        """What a correction costs."""
        artifacts, normals = (
            self.images(ids, correction) for ids in (self.artifacts, self.normals)
        )
        likely, others = self.probability(artifacts), self.probability(normals)
        return Judged(likely, others, change_of(self.before, normals), self.harm)

    def images(self, ids: np.ndarray, correction: Correction) -> Images:
        """The generations of these ids, corrected; uint8, on the CPU."""
        given = {"correction": correction, "classify": self.classify}
        return torch.cat(list(corrected(self.generator, ids, self.batch, **given)))

    @torch.inference_mode()
    def probability(self, images: Images) -> np.ndarray:
        """The artifact probability of each image, float64."""
        device = next(self.generator.network.parameters()).device

        def said(some: Images) -> torch.Tensor:
            return artifact_probability(self.classify, sent(some, device))

        return torch.cat(list(batched(images, self.batch, said))).double().cpu().numpy()


def change_of(before: Images, after: Images) -> np.ndarray:
    """The mean absolute change of each image, float64 ``[image]``, unit range."""
    return ((after.float() - before.float()).abs().double().flatten(1).mean(1) / 255).numpy()


def least_change(judged: Sequence[Judged]) -> int:
    """The place of the best correction: of those tied with the cheapest, the least change.

    Of equals it is the cheaper, then the first.
    """
    cheapest = min(judged, key=lambda j: j.cost)
    tied = [place for place, j in enumerate(judged) if j is cheapest or j.ties(cheapest)]
    return min(tied, key=lambda place: (judged[place].change.mean(), judged[place].cost))


def looked_at(path: Path, artifacts: int, normals: int) -> tuple[np.ndarray, np.ndarray]:
    """The last ids of each label of the validation split of the table ``labels``, ascending."""
    table = read_table(path, "labels")
    columns = (table[name].to_pylist() for name in ("id", "label", "split"))
    rows = [(i, label) for i, label, split in zip(*columns, strict=True) if split == "validation"]
    found = []
    for label, wanted in (("artifact", artifacts), ("normal", normals)):
        ids = np.array(sorted(i for i, given in rows if given == label), dtype=np.int64)
        if len(ids) < wanted:
            raise UserError(
                f"{path}: {len(ids)} of the validation split are {label}, {wanted} are asked for: "
                f"lower fit_corrections.{label}s, or label more"
            )
        found.append(ids[-wanted:])
    return found[0], found[1]


def write_costs(path: Path, judge: Judge, judged: Judged) -> None:
    """Write the table ``costs``: what the classifier says of each generation looked at."""
    unchanged = np.full(len(judged.artifacts), np.nan)  # of artifacts it is no harm
    columns = {
        "id": np.concatenate([judge.artifacts, judge.normals]),
        "label": ["artifact"] * len(judge.artifacts) + ["normal"] * len(judge.normals),
        "probability": np.concatenate([judged.artifacts, judged.normals]),
        "change": np.concatenate([unchanged, judged.change]),
    }
    write_table(path, "costs", columns)


def read_costs(path: Path, harm: float) -> Judged:
    """What ``write_costs`` wrote."""
    table = read_table(path, "costs")
    probability, change = (table[name].to_numpy() for name in ("probability", "change"))
    artifact = np.array(table["label"].to_pylist()) == "artifact"
    return Judged(probability[artifact], probability[~artifact], change[~artifact], harm)
