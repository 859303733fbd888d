"""What earlier stages wrote, opened once; the evidence of one layer at a time made from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from artifact_units.classifier.heatmaps import read_heatmaps
from artifact_units.classifier.masks import MasksOnDemand
from artifact_units.classifier.selection import labels_of
from artifact_units.files.tables import matrix_of, read_table
from artifact_units.images.features import FeatureSet, read_features
from artifact_units.shapes import Masks
from artifact_units.units.evidence import Evidence
from artifact_units.units.featuremaps import open_featuremaps, read_ids
from artifact_units.units.histograms import histogram_of


@dataclass(frozen=True)
class Sources:
    """Everything but the layers themselves, which stay on the disk until they are looked at."""

    folder: Path  # of collect_featuremaps
    histograms: pa.Table
    maxima: pa.Table
    ids: np.ndarray  # int64 [image]: the labelled generations collected
    artifact: np.ndarray  # bool [image]
    masks: Masks  # [image, height, width]; made when they are looked at
    unlabelled: FeatureSet
    reals: FeatureSet
    device: torch.device

    @property
    def layers(self) -> list[str]:
        """The layers collected, in network order."""
        return self.histograms["layer"].unique().to_pylist()

    def evidence(self, layer: str, *, quantile: float, seed: int) -> Evidence:
        """What is known of one layer; its featuremaps are read when a ranking looks at them."""
        rows = self.maxima.filter(pc.field("layer") == layer)
        return Evidence(
            layer=layer,
            ids=self.ids,
            artifact=self.artifact,
            featuremaps=open_featuremaps(self.folder / "featuremaps", layer, self.device),
            masks=self.masks,
            thresholds=histogram_of(self.histograms, layer).quantile(quantile).to(self.device),
            maxima=torch.from_numpy(matrix_of(rows["maxima"])),
            unlabelled=self.unlabelled.take(rows["id"].to_numpy()),
            reals=self.reals.features,
            seed=seed,
            repeat=0,
        )


def open_sources(
    featuremaps: Path,
    heatmaps: Path,
    labels: Path,
    features: Path,
    *,
    mask_threshold: float,
    iou_px: int,
    device: torch.device,
) -> Sources:
    """Open the outputs of ``collect_featuremaps``, ``compute_masks``, ... for scoring."""
    ids = read_ids(featuremaps / "featuremaps")
    given = labels_of(labels, ids)
    native = read_heatmaps(heatmaps, "labelled").take(ids).heatmaps
    return Sources(
        folder=featuremaps,
        histograms=read_table(featuremaps / "histograms.parquet", "histograms"),
        maxima=read_table(featuremaps / "maxima.parquet", "maxima"),
        ids=ids,
        artifact=np.array([given[int(i)] == "artifact" for i in ids]),
        masks=MasksOnDemand.of(native, mask_threshold, iou_px, device),
        unlabelled=read_features(features / "unlabelled.parquet"),
        reals=read_features(features / "reals.parquet"),
        device=device,
    )
