"""What the stages of a run wrote, read when it is asked for: the only place that knows where."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from safetensors import safe_open
from torch import Tensor

from artifact_units.classifier.heatmaps import HeatmapSet, read_heatmaps
from artifact_units.corrections.choice import read_choice
from artifact_units.errors import UserError
from artifact_units.evaluation.agreement import rankings_agreement
from artifact_units.evaluation.differences import Difference, read_differences
from artifact_units.evaluation.measurements import Measurement, read_measurements
from artifact_units.evaluation.truth import open_truth
from artifact_units.files.json_text import parsed
from artifact_units.files.manifests import SUFFIX, made_from, manifest_of
from artifact_units.files.storage import read_text
from artifact_units.files.tables import read_table
from artifact_units.images.image_sets import ImageSet, open_images
from artifact_units.survey.finding import Survey, read_survey
from artifact_units.units.histograms import histogram_of
from artifact_units.units.ranked import read_scores

Rows = list[dict[str, Any]]
# Outputs that led to the page, in the order of the stages; rankings and corrections follow.
MADE = ("read_reals", "sample_generations", "label_generations/labels.parquet")
MADE += ("train_classifier/classifier.safetensors", "compute_masks/heatmaps.parquet")
MADE += ("collect_featuremaps", "choose_correction", "evaluate_generations/measurements.parquet")


class Results:
    """One run: ``folder`` holds a folder a stage; ``params`` is the whole of params.yaml.

    ``truth`` is the folder of known truth, which may hold none; ``analysis`` the table of
    workflow/analysis.py, ``spread`` that of workflow/spread.py, ``survey`` the table of
    ``make survey``; they may be of another run.
    """

    def __init__(
        self,
        folder: Path,
        truth: Path,
        params: Mapping[str, Any],
        analysis: Path | None = None,
        spread: Path | None = None,
        survey: Path | None = None,
    ) -> None:
        self.folder = folder
        self.params = params
        self._analysis = analysis
        self._spread = spread
        self._survey = survey
        self.truth = open_truth(truth)

    @cached_property
    def corrections(self) -> list[str]:
        """Names of the corrections, in the order of params.yaml."""
        return list(self.params["fit_corrections"]["corrections"])

    @cached_property
    def labels(self) -> Rows:
        return self._table("label_generations/labels.parquet", "labels")

    @cached_property
    def scores(self) -> Rows:
        return self._scores.to_pylist()

    @cached_property
    def agreement(self) -> list[Measurement]:
        """How well each ranking finds the defective units; empty where no truth is known."""
        return list(rankings_agreement(self._scores, self.truth)) if self.truth else []

    @cached_property
    def measurements(self) -> list[Measurement]:
        return read_measurements(self.folder / "evaluate_generations" / "measurements.parquet")

    @cached_property
    def differences(self) -> list[Difference]:
        return read_differences(self.folder / "evaluate_generations" / "differences.parquet")

    @cached_property
    def changes(self) -> Rows:
        return self._table("evaluate_generations/changes.parquet", "changes")

    @cached_property
    def chosen(self) -> str:
        """The correction that choose_correction fell on."""
        return read_choice(self.folder / "choose_correction" / "choice.json")

    @cache  # noqa: B019 - one Results a page
    def tried(self, name: str) -> Rows:
        """The candidates of a correction, in the order in which fit_corrections tried them."""
        return self._table(f"fit_corrections/{name}/tried.parquet", "tried")

    def taken(self, name: str) -> dict[str, Any]:
        """The candidate that a correction was fitted with."""
        return next(row for row in self.tried(name) if row["taken"])

    @cached_property
    def survey(self) -> Survey | None:
        """What make survey found; None where it was not run on this generator and these labels."""
        run = self.folder / "collect_featuremaps"
        path = self._survey
        if path is None or not path.is_file():
            return None
        options = {"generator": "generator", "results/label_generations/labels.parquet": "labels"}
        own = all(
            made_from(path, mine) == made_from(run, theirs) for mine, theirs in options.items()
        )
        return read_survey(path) if own else None

    @cached_property
    def analysis(self) -> Rows:
        """A metric of a correction at a value of a parameter a row: see ``report/analysis.py``."""
        return _made_by("analysis", self._analysis, _point)

    @cached_property
    def spread(self) -> Rows:
        """A metric of a correction by one training a row: see ``report/spread.py``."""
        return _made_by("spread", self._spread, lambda row: {**row, "value": float(row["value"])})

    @cached_property
    def manifests(self) -> dict[str, dict[str, Any]]:
        """Manifests of what led to the page, by the path of the output within ``folder``."""
        rankings = self.params["score_units"]["rankings"]
        paths = [*MADE, *(f"score_units/{name}.parquet" for name in rankings)]
        stages = ("fit_corrections", "correct_generations")
        paths += [f"{stage}/{name}" for name in self.corrections for stage in stages]
        known = [path for path in paths if manifest_of(self.folder / path).is_file()]
        return {path: self._json(f"{path}{SUFFIX}") for path in known}

    @cached_property
    def training(self) -> Rows:
        """An epoch a row: epoch, loss, accuracy on the validation split."""
        return [{k: float(v) for k, v in row.items()} for row in self._csv("training")]

    @cached_property
    def classifier(self) -> dict[str, Any]:
        return self._json("train_classifier/metrics.json")

    @cached_property
    def confusion(self) -> Counter[tuple[str, str]]:
        """Of the test split, how many images are (actual, predicted)."""
        return Counter((row["actual"], row["predicted"]) for row in self._csv("confusion"))

    @cached_property
    def labelled(self) -> ImageSet:
        return open_images(self.folder / "sample_generations" / "labelled")

    def heatmaps(self, part: str | None = None) -> HeatmapSet:
        return read_heatmaps(self.folder / "compute_masks" / "heatmaps.parquet", part)

    def corrected(self, name: str, population: str = "artifacts") -> ImageSet:
        """The images of one correction; a seeded one has repeats."""
        return open_images(self.folder / "correct_generations" / name / population)

    def edits(self, name: str) -> list[dict[str, Any]]:
        """What was done to layers and latents, and for which generations; one entry a repeat."""
        return self._json(f"fit_corrections/{name}/edits.json")

    def featuremaps(self, layer: str, unit: int) -> tuple[np.ndarray, Tensor]:
        """ids and ``[image, row, col]`` of one unit in every collected generation."""
        shards = sorted((self.folder / "collect_featuremaps" / "featuremaps").glob("*.safetensors"))
        if not shards:
            raise UserError(
                f"{self.folder}/collect_featuremaps holds no featuremaps; run that stage"
            )
        ids, maps = [], []
        for shard in shards:
            with safe_open(shard, "pt") as file:
                ids.append(file.get_tensor("ids").numpy())
                maps.append(file.get_slice(layer)[:, unit])
        return np.concatenate(ids), torch.cat(maps).float()

    def threshold(self, layer: str, unit: int) -> float:
        """Above it the unit is on: ``score_units.quantile`` of its unlabelled values."""
        own = self._histograms.filter((pc.field("layer") == layer) & (pc.field("unit") == unit))
        quantile = float(self.params["score_units"]["quantile"])
        return float(histogram_of(own, layer).quantile(quantile)[0])

    @cached_property
    def _scores(self) -> pa.Table:
        names = self.params["score_units"]["rankings"]
        files = [self.folder / "score_units" / f"{name}.parquet" for name in names]
        return read_scores(files)

    @cached_property
    def _histograms(self) -> pa.Table:
        return read_table(self.folder / "collect_featuremaps" / "histograms.parquet", "histograms")

    def _csv(self, name: str) -> list[dict[str, str]]:
        file = self.folder / "train_classifier" / "plots" / f"{name}.csv"
        if not file.is_file():
            raise UserError(f"{file}: no such file; run the stage train_classifier")
        with file.open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))

    def _table(self, path: str, kind: str) -> Rows:
        return read_table(self.folder / path, kind).to_pylist()

    def _json(self, path: str) -> Any:
        file = self.folder / path
        if not file.is_file():
            raise UserError(f"{file}: no such file; run the stage {path.split('/')[0]}")
        try:
            return parsed(file.read_text(encoding="utf-8"))
        except ValueError:
            raise UserError(f"{file}: not readable as JSON; make it anew") from None


def _made_by(command: str, path: Path | None, read: Callable[[Any], dict[str, Any]]) -> Rows:
    """The rows of a table that ``make`` wrote beside params.yaml; none where there is no table."""
    if path is None:
        return []
    try:
        rows = csv.DictReader(StringIO(read_text(path)))
        if "correction" not in (rows.fieldnames or ()):
            raise KeyError("correction")
        return [read(row) for row in rows]
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{path}: not a table of make {command}; make it anew") from None


def _point(row: Mapping[str, str]) -> dict[str, Any]:
    numbers = {key: float(row[key]) for key in ("value", "low", "high")}
    words = {key: row[key] for key in ("correction", "parameter", "metric")}
    return words | numbers | {"at": parsed(row["at"])}
