"""The least that an evaluation can be made of: fourteen generations, the defect a white corner."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from artifact_units.classifier.heatmaps import HeatmapSet, write_heatmaps
from artifact_units.evaluation.measuring import Sources
from artifact_units.files.tables import write_table
from artifact_units.images.extraction import write_features
from artifact_units.images.features import Extractor
from artifact_units.images.image_sets import open_images, write_images

PX = 4
CORRECTIONS = ["none", "half", "perfect"]
ARTIFACTS, NORMALS = range(100, 108), range(108, 114)
MIXING = torch.randn(3 * PX * PX, 3, generator=torch.Generator().manual_seed(2)) / 255
EXTRACTOR = Extractor("mixed", 3, lambda images: images.float().flatten(1) @ MIXING)


def clean(ids: Iterable[int]) -> torch.Tensor:
    """Dim noise, an image an id."""
    rows = [np.random.RandomState(i).randint(0, 120, (3, PX, PX)) for i in ids]
    return torch.from_numpy(np.stack(rows)).byte()


def broken(ids: Iterable[int]) -> torch.Tensor:
    images = clean(ids)
    for image, i in zip(images, ids, strict=True):
        if i in ARTIFACTS:
            image[:, :2, :2] = 255
    return images


def half_corrected(ids: Iterable[int], shade: int = 150) -> torch.Tensor:
    images = broken(ids)
    for image, i in zip(images, ids, strict=True):
        if i in ARTIFACTS:
            image[:, :2, :2] = shade
    return images


def write_run(folder: Path) -> None:
    """Folders as the stages leave them; ``half`` has two repeats, ``stale`` is not asked for."""
    corrections = {"none": [broken], "perfect": [clean], "stale": [broken]}
    corrections["half"] = [half_corrected, lambda ids: half_corrected(ids, 170)]
    for name, repeats in corrections.items():
        for population, ids in (("artifacts", ARTIFACTS), ("normals", NORMALS)):
            for repeat, make in enumerate(repeats):
                place = folder / "corrected" / name / population
                write_images(place, ids, iter([make(ids)]), repeat=repeat, first=repeat)
        sets = [open_images(folder / "corrected" / name / p) for p in ("artifacts", "normals")]
        write_features(folder / "features" / f"{name}.parquet", EXTRACTOR, sets, 4)
    references = {"reals": range(20), "clean": [*ARTIFACTS, *NORMALS], "reference": range(50, 90)}
    for name, ids in references.items():
        write_images(folder / "truth" / name, ids, iter([clean(ids)]))
        found = [open_images(folder / "truth" / name)]
        write_features(folder / "references" / f"{name}.parquet", EXTRACTOR, found, 4)
    write_truth(folder)


def write_truth(folder: Path) -> None:
    """Masks: the corner; heatmaps: the upper half. Units 0 and 1 of four of layer2 are broken."""
    ids = np.array([*ARTIFACTS, *NORMALS])
    mask = np.zeros((PX, PX), dtype=bool)
    mask[:2, :2] = True
    masks = [mask if i in ARTIFACTS else ~mask & mask for i in ids]
    truths = {
        "id": ids,
        "artifact": [i in ARTIFACTS for i in ids],
        "area": [m.mean() for m in masks],
        "mask": [np.packbits(m).tobytes() for m in masks],
    }
    write_table(folder / "truth" / "heldout.parquet", "truths", truths, {"px": str(PX)})
    (folder / "truth" / "units.json").write_text(json.dumps({"layer2": [0, 1]}))
    heat = torch.zeros(len(ids), PX, PX)
    heat[:, :2] = 1
    logits = torch.tensor([[5.0, 0, 0] if i in ARTIFACTS else [0, 5.0, 0] for i in ids])
    logits[-1] = torch.tensor([0, 0, 5.0])  # taken for a real: as good as normal
    logits[0] = torch.tensor([0, 5.0, 0])  # an artifact that the classifier misses
    write_heatmaps(folder / "heatmaps.parquet", {"heldout": HeatmapSet(ids, logits, heat)})
    unsaid = ("mean_iou", "chance_iou", "score_low", "score_high")
    scores = {
        "unit": [0, 1, 2, 3] * 3,
        "ranking": ["good"] * 4 + ["poor"] * 8,
        "repeat": [0] * 8 + [1] * 4,
        "layer": ["layer2"] * 12,
        "score": [4.0, 3, 2, 1, 1, 2, 3, 4, 2, 1, 4, 3],
        "rank": [1] * 12,
        "images": [1] * 12,
        **dict.fromkeys(unsaid, [0.0] * 12),
    }
    for name in ("good", "poor"):
        rows = [place for place, ranking in enumerate(scores["ranking"]) if ranking == name]
        columns = {key: [values[place] for place in rows] for key, values in scores.items()}
        write_table(folder / "scores" / f"{name}.parquet", "scores", columns)


def sources(folder: Path) -> Sources:
    return Sources(
        corrected=folder / "corrected",
        features=folder / "features",
        references=folder / "references",
        heatmaps=folder / "heatmaps.parquet",
        truth=folder / "truth",
    )
