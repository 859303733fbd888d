"""What fitting and correcting read, small, as the stages before leave it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from small_generator import smaller_generator

from artifact_units.classifier.heatmaps import HeatmapSet, write_heatmaps
from artifact_units.classifier.network import new_classifier, save_classifier
from artifact_units.corrections.correction import Correction, text_of
from artifact_units.files.tables import write_table
from artifact_units.generators import save_generator
from artifact_units.images.latents import latents_of
from artifact_units.layers.edits import Scale
from artifact_units.layers.hooks import featuremaps_of

IDS = np.arange(2_000_000, 2_000_010)  # held out: the even ones are artifacts
LABELLED = np.arange(12)  # the even ones are artifacts; 8 ... 11 validate
FITTED = Correction({"layer2": Scale((1,), (0.0,))})
PATHS = (
    "generator",
    "classifier",
    "scores",
    "featuremaps",
    "labels",
    "heatmaps",
)  # and truth, which correcting alone looks at


def write_known(folder: Path) -> None:
    """Files of these names, and ``edits``; the classifier is an untrained one."""
    generator = smaller_generator()
    save_generator(folder / "generator", generator)
    save_classifier(folder / "classifier", new_classifier("resnet18_narrow", 16, seed=0))
    logits = torch.tensor([[5.0, 0, 0], [0, 5, 0]])
    parts = {"heldout": IDS, "labelled": LABELLED}
    sets = {
        name: HeatmapSet(ids, logits.repeat(len(ids) // 2, 1), torch.zeros(len(ids), 2, 2))
        for name, ids in parts.items()
    }
    write_heatmaps(folder / "heatmaps", sets)
    labels = {
        "id": LABELLED,
        "label": ["artifact", "normal"] * 6,
        "split": ["train"] * 8 + ["validation"] * 4,
        "raters": [1] * 12,
    }
    write_table(folder / "labels", "labels", labels)
    (folder / "truth").mkdir()
    (folder / "truth" / "units.json").write_text("{}")
    truths = {"id": IDS, "artifact": IDS % 2 == 0, "area": [0.1] * 10, "mask": [b""] * 10}
    write_table(folder / "truth" / "heldout.parquet", "truths", truths, {"px": "16"})
    layers = ["layer1", "layer2", "layer3"]
    maps = featuremaps_of(generator, latents_of(LABELLED[:6], 8), layers)
    (folder / "featuremaps" / "featuremaps").mkdir(parents=True)
    tensors = {name: m.half().contiguous() for name, m in maps.items()}
    tensors["ids"] = torch.from_numpy(LABELLED[:6])
    save_file(tensors, folder / "featuremaps" / "featuremaps" / "00000.safetensors")
    write_scores(folder / "scores")
    (folder / "edits").write_text(text_of([FITTED]))


def write_scores(folder: Path) -> None:
    """Two rankings. fixed: one repeat, unit 0 the worst; drawn: two, in the second unit 3."""
    for name, repeats in (("fixed", 1), ("drawn", 2)):
        rows = [(r, f"layer{k}", u) for r in range(repeats) for k in (1, 2, 3) for u in range(4)]
        repeat, layer, unit = (list(column) for column in zip(*rows, strict=True))
        rank = [u + 1 if r == 0 else 4 - u for r, _, u in rows]
        columns = {"ranking": [name] * len(rows), "repeat": repeat, "layer": layer}
        columns |= {"unit": unit, "rank": rank, "images": [0] * len(rows)}
        columns |= {"score": [1 - 0.2 * r for r in rank]}
        unknown = ("mean_iou", "chance_iou", "score_low", "score_high")
        columns |= {key: [float("nan")] * len(rows) for key in unknown}
        write_table(folder / f"{name}.parquet", "scores", columns)
