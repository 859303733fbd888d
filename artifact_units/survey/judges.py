"""Two halves of the labelled generations, and for each a judge that learnt from the other half.

What the survey finds on one half is confirmed on the other by a classifier of other labels, other
generations and another seed: what pleases the first judge alone is not confirmed by the second.
Generations of the test split are in neither half.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from artifact_units.classifier import training
from artifact_units.classifier.examples import examples_of
from artifact_units.classifier.network import Classifier, load_imagenet, new_classifier
from artifact_units.errors import UserError
from artifact_units.files.tables import read_table
from artifact_units.images.image_sets import ImageSet
from artifact_units.labels.verdicts import CLASSES

FEW = 10  # artifacts of a half: a kind that has fewer is not looked at by itself
ALL = ""  # the name of all artifacts, among those of kinds

Labels = Sequence[Mapping[str, Any]]  # rows of the table of labels


@dataclass(frozen=True)
class Half:
    """Ids of one half of the labelled generations, int64, ascending."""

    artifacts: np.ndarray
    normals: np.ndarray

    def at_most(self, images: int, kinds: Iterable[np.ndarray]) -> Half:
        """The first ``images`` normals, and as many artifacts of each of ``kinds``."""
        mine = [self.artifacts[np.isin(self.artifacts, kind)][:images] for kind in kinds]
        return Half(np.unique(np.concatenate(mine)), self.normals[:images])


def read_labels(path: Path) -> Labels:
    """The rows of the table of labels that are not of the test split."""
    return [row for row in read_table(path, "labels").to_pylist() if row["split"] != "test"]


def halves(labels: Labels) -> tuple[Half, Half]:
    """Every other generation of each label, and kind where labels have one, by id: two halves."""

    def ids(label: str, half: int) -> np.ndarray:
        mine = sorted((r.get("kind") or "", r["id"]) for r in labels if r["label"] == label)
        return np.array(sorted(i for _, i in mine[half::2]), dtype=np.int64)

    first, second = (Half(ids("artifact", half), ids("normal", half)) for half in (0, 1))
    if min(len(second.artifacts), len(second.normals)) < FEW:
        raise UserError(
            f"a survey takes {2 * FEW} artifacts and {2 * FEW} normals outside the test split; "
            f"there are {len(first.artifacts) + len(second.artifacts)} and "
            f"{len(first.normals) + len(second.normals)}: label more"
        )
    return first, second


def kinds_of(labels: Labels, parts: tuple[Half, Half]) -> dict[str, np.ndarray]:
    """The ids of all artifacts (``ALL``), and of each kind that has enough in both halves."""
    found: dict[str, list[int]] = {ALL: [r["id"] for r in labels if r["label"] == "artifact"]}
    for row in labels:
        if row["label"] == "artifact" and row.get("kind"):
            found.setdefault(row["kind"], []).append(row["id"])
    return {
        kind: np.array(ids, dtype=np.int64)
        for kind, ids in found.items()
        if min(np.isin(half.artifacts, ids).sum() for half in parts) >= FEW
    }


def judge_of(
    half: Half,
    labels: Labels,
    sets: tuple[ImageSet, ImageSet],
    values: Mapping[str, Any],
    seed: int,
    folder: Path,
    device: torch.device,
) -> tuple[Classifier, float]:
    """A classifier that learnt from all labels but those of ``half``; its AUC there.

    ``sets`` are the labelled generations and the real images, ``values`` those of
    ``train_classifier``; of the AUC, real images are no part. ``folder`` is for what is mapped.
    """
    told = {*half.artifacts.tolist(), *half.normals.tolist()}
    rows = [{**row, "split": "test" if row["id"] in told else row["split"]} for row in labels]
    table = pa.table({key: [row[key] for row in rows] for key in ("id", "label", "split")})
    examples = examples_of(table, *sets, values["reals"], values["px"], folder)
    classifier = new_classifier(values["network"], values["px"], seed)
    if values["frozen"] or not Path(values["weights"]).is_dir():
        load_imagenet(classifier, values["weights"])
    asked = {key: values[key] for key in ("frozen", "epochs", "minibatch", "rate")}
    training.fit(classifier.to(device), examples, **asked, seed=seed)
    mine = examples.rows("test")
    mine = mine[examples.classes[mine] != CLASSES.index("real")]
    logits = training.predict(classifier, examples, mine, values["minibatch"])
    artifact = (examples.classes[mine] == CLASSES.index("artifact")).numpy()
    said = logits.double().softmax(1)[:, CLASSES.index("artifact")].numpy()
    return classifier, training.area_under_curve(said, artifact)
