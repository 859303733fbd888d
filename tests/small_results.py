"""A small coherent folder of results for tests of the report, by the library's own writers.

Generations are grey noise; an artifact is a red square, which corrections remove by a known share.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from artifact_units.classifier.heatmaps import HeatmapSet, masks_from, write_heatmaps
from artifact_units.evaluation.changes import changes_between
from artifact_units.evaluation.differences import Difference, write_differences
from artifact_units.evaluation.measurements import Measurement, write_measurements
from artifact_units.files.tables import write_table
from artifact_units.images.image_sets import write_images
from artifact_units.images.latents import HELDOUT, LABELLED
from artifact_units.units.histograms import Histogram, write_histograms

PX = 32
CHANGES = ("inside", "outside", "psnr", "changed", "perceptual", "pixel_recovery")
LAYERS = {"layer1": 8, "layer2": 16}  # layer -> grid
UNITS = 5
PLANTED = {"layer1": [2], "layer2": [0, 4]}
REPAIRED = {"none": 0.0, "random": 0.1, "one_layer": 0.5, "sequential": 0.9}  # share of the square
LAYERS_EDITED = {layer: {"kind": "scale", "units": units} for layer, units in PLANTED.items()}
WHY_NOT = "a layer has 5 units, n is 9"
EDITS = [{"layers": LAYERS_EDITED, "latent": None, "gate": 0.0, "tries": 1}]
PARAMS = {
    "rankings": {
        "defective_score": {"ranking": "defective_score"},
        "random": {"ranking": "random_order", "repeats": 2},
    },
    "corrections": {
        "none": {"ranking": "defective_score", "corrector": "ablation", "layer": "layer1", "n": 0},
        "random": {"ranking": "random", "corrector": "ablation", "layer": "layer1", "n": 1},
        "one_layer": {
            "ranking": "defective_score",
            "corrector": "ablation",
            "layer": ["layer1", "layer2"],
            "n": [1, 2, 9],
        },
        "sequential": {
            "ranking": "defective_score",
            "corrector": "sequential",
            "stop": 2,
            "n": 1,
            "scale": 1.0,
        },
    },
}


def params(generations: int = 3, units: int = 4, failures: int = 2) -> dict:
    """The part of params.yaml that the page uses for more than showing it."""
    return {
        "inputs": {"generator": "absent.safetensors", "truth": "truth"},
        "run": {"threads": 1, "portable": True},
        "score_units": {"mask_threshold": 0.5, "quantile": 0.9, "rankings": PARAMS["rankings"]},
        "fit_corrections": {
            "artifacts": 3,
            "normals": 2,
            "harm": 10.0,
            "budget": 8,
            "corrections": PARAMS["corrections"],
        },
        "correct_generations": {"artifacts": 6},
        "extract_features": {"weights": "absent.safetensors"},
        "report": {"generations": generations, "units": units, "failures": failures},
    }


def write_results(
    folder: Path, *, known: bool = True, artifacts: int = 6, normals: int = 4, labelled: int = 12
) -> tuple[Path, Path]:
    """Write results and truth (empty, where not ``known``) under ``folder``; their two folders."""
    results, truth = folder / "results", folder / "truth"
    ids = HELDOUT + np.arange(artifacts + normals)
    clean = _noise(len(ids))
    damaged = torch.cat([_damaged(clean[:artifacts], 1.0), clean[artifacts:]])
    labelled_ids = LABELLED + np.arange(labelled)
    images = _damaged(_noise(labelled), 1.0)
    images[labelled // 2 :] = _noise(labelled)[labelled // 2 :]
    write_images(results / "sample_generations" / "labelled", labelled_ids, iter([images]))
    truth.mkdir(parents=True)
    if known:
        write_images(truth / "clean", ids, iter([clean]))
        (truth / "units.json").write_text(json.dumps(PLANTED))
    heat = _write_heatmaps(results, labelled_ids, ids, artifacts)
    _write_labels(results, labelled_ids)
    _write_classifier(results)
    _write_fits(results)
    _write_featuremaps(results, labelled_ids)
    _write_scores(results)
    _write_corrections(results, ids, clean, damaged, artifacts, heat, known)
    return results, truth


def _noise(count: int) -> Tensor:
    values = np.random.RandomState(count).randint(90, 170, (count, 1, PX, PX), np.uint8)
    return torch.from_numpy(values).expand(-1, 3, -1, -1).clone()


def _damaged(images: Tensor, share: float) -> Tensor:
    """A red square of 8 by 8 at (8, 8), so strong; share 0 is no square."""
    square = torch.tensor([255.0, 0, 0])[:, None, None]
    out = images.float()
    out[:, :, 8:16, 8:16] = (1 - share) * out[:, :, 8:16, 8:16] + share * square
    return out.round().to(torch.uint8)


def _write_heatmaps(
    results: Path, labelled: np.ndarray, heldout: np.ndarray, artifacts: int
) -> HeatmapSet:
    def of(ids: np.ndarray, damaged: int) -> HeatmapSet:
        heat = torch.zeros(len(ids), 8, 8)
        heat[:damaged, 2:4, 2:4] = 1
        logits = torch.tensor([[4.0, 0, -2]] * damaged + [[-3.0, 3, 0]] * (len(ids) - damaged))
        logits[:damaged, 0] += torch.arange(damaged) * 0.1
        return HeatmapSet(ids, logits, heat)

    parts = {"labelled": of(labelled, len(labelled) // 2), "heldout": of(heldout, artifacts)}
    write_heatmaps(results / "compute_masks" / "heatmaps.parquet", parts)
    return parts["heldout"]


def _write_labels(results: Path, ids: np.ndarray) -> None:
    half = len(ids) // 2
    columns = {
        "id": ids,
        "label": ["artifact"] * half + ["normal"] * (len(ids) - half),
        "split": ["train"] * len(ids),
        "raters": np.ones(len(ids), np.int16),
    }
    write_table(results / "label_generations" / "labels.parquet", "labels", columns)


def _write_classifier(results: Path) -> None:
    folder = results / "train_classifier"
    (folder / "plots").mkdir(parents=True)
    found = {"accuracy": 0.9, "auc_artifact": 0.97, "recall_artifact": 0.75, "test_images": 10}
    (folder / "metrics.json").write_text(json.dumps(found))
    (folder / "plots" / "training.csv").write_text(
        "epoch,loss,validation_accuracy\n1,1.0,0.5\n2,0.5,0.75\n"
    )
    pairs = (
        ["artifact,artifact"] * 3 + ["artifact,normal"] + ["normal,normal"] * 3 + ["real,real"] * 3
    )
    (folder / "plots" / "confusion.csv").write_text("\n".join(["actual,predicted", *pairs, ""]))


# Candidates by correction: options, artifact probability, change of normals; the harm is 10.
TRIED: dict[str, list[tuple[dict[str, Any], float, float]]] = {
    "none": [({"layer": "layer1", "n": 0}, 0.9, 0.0)],
    "random": [({"layer": "layer1", "n": 1}, 0.85, 0.02)],
    "one_layer": [
        ({"layer": "layer1", "n": 1}, 0.5, 0.02),
        ({"layer": "layer1", "n": 2}, 0.4, 0.01),
        ({"layer": "layer1", "n": 9}, np.nan, np.nan),
        ({"layer": "layer2", "n": 2}, 0.45, 0.05),
    ],
    "sequential": [({"stop": 2, "n": 1, "scale": 1.0}, 0.2, 0.001)],
}


def _write_fits(results: Path) -> None:
    """What was searched; the last but one of one_layer's candidates was not possible."""
    for name, tried in TRIED.items():
        folder = results / "fit_corrections" / name
        folder.mkdir(parents=True)
        columns = {
            "options": [json.dumps(options) for options, *_ in tried],
            "artifacts": [likely for _, likely, _ in tried],
            "normals": [0.05] * len(tried),
            "change": [change for *_, change in tried],
            "cost": [likely + 10 * change for _, likely, change in tried],
            "taken": [n == min(1, len(tried) - 1) for n in range(len(tried))],
            "why_not": ["" if np.isfinite(likely) else WHY_NOT for _, likely, _ in tried],
        }
        write_table(folder / "tried.parquet", "tried", columns)
        (folder / "edits.json").write_text(json.dumps(EDITS))
    choose(results, "sequential")


def choose(results: Path, name: str) -> None:
    """Have ``name`` be what the choice fell on."""
    (results / "choose_correction").mkdir(exist_ok=True)
    (results / "choose_correction" / "choice.json").write_text(json.dumps({"correction": name}))


def _write_featuremaps(results: Path, ids: np.ndarray) -> None:
    folder = results / "collect_featuremaps"
    (folder / "featuremaps").mkdir(parents=True)
    maps = {
        layer: torch.from_numpy(np.random.RandomState(n).rand(len(ids), UNITS, grid, grid)).half()
        for n, (layer, grid) in enumerate(LAYERS.items())
    }
    save_file({"ids": torch.from_numpy(ids), **maps}, folder / "featuremaps" / "00000.safetensors")
    histograms = {}
    for layer, values in maps.items():
        histograms[layer] = Histogram.empty(UNITS)
        histograms[layer].add(values)
    write_histograms(folder / "histograms.parquet", histograms)


def _write_scores(results: Path) -> None:
    for ranking, repeats in (("defective_score", [0]), ("random", [0, 1])):
        rows = []
        for repeat, layer in ((r, layer) for r in repeats for layer in PLANTED):
            planted = PLANTED[layer]
            scores = [0.3 + 0.01 * u if u in planted else 0.02 + 0.01 * u for u in range(UNITS)]
            order = sorted(range(UNITS), key=lambda u: -scores[u])
            looks = ranking == "defective_score"
            rows += [
                {
                    "ranking": ranking,
                    "repeat": repeat,
                    "layer": layer,
                    "unit": u,
                    "score": scores[u],
                    "rank": order.index(u) + 1,
                    "mean_iou": scores[u] if looks else np.nan,
                    "chance_iou": 0.015 if looks else np.nan,
                    "images": 6,
                    "score_low": scores[u] - 0.01,
                    "score_high": scores[u] + 0.01,
                }
                for u in range(UNITS)
            ]
        columns = {key: [row[key] for row in rows] for key in rows[0]}
        write_table(results / "score_units" / f"{ranking}.parquet", "scores", columns)


def _write_corrections(
    results: Path,
    ids: np.ndarray,
    clean: Tensor,
    damaged: Tensor,
    artifacts: int,
    heat: HeatmapSet,
    known: bool,
) -> None:
    masks = masks_from(heat.heatmaps, 0.5, PX)
    measured, changed = [], []
    for name, repaired in REPAIRED.items():
        after = torch.cat([_damaged(clean[:artifacts], 1 - repaired), clean[artifacts:]])
        after[:, :, :4] = (after[:, :, :4].float() * (1 - 0.05 * repaired)).to(torch.uint8)
        for population, part in (
            ("artifacts", slice(artifacts)),
            ("normals", slice(artifacts, None)),
        ):
            folder = results / "correct_generations" / name
            write_images(folder / population, ids[part], iter([after[part]]))
            target = clean[part] if known and population == "artifacts" else None
            found = changes_between(damaged[part], after[part], masks[part], target)
            changed += [
                {
                    "id": i,
                    "repeat": 0,
                    "correction": name,
                    "population": population,
                    **{k: getattr(found, k)[n] for k in CHANGES},
                }
                for n, i in enumerate(ids[part])
            ]
            measured += _measured(name, population, found, repaired)
    folder = results / "evaluate_generations"
    write_measurements(
        folder / "measurements.parquet", [*measured, *(_once(artifacts) if known else [])]
    )
    pairs = [("one_layer", "none", -4.0, 1.0), ("sequential", "one_layer", -3.2, 5.0)]
    differing = [
        Difference(name, other, "artifacts", "frechet_scene", v, v - wide, v + wide, artifacts)
        for name, other, v, wide in pairs
    ]
    write_differences(folder / "differences.parquet", differing)
    columns = {key: [row[key] for row in changed] for key in changed[0]}
    write_table(folder / "changes.parquet", "changes", columns)


def _measured(name: str, population: str, found, repaired: float) -> list[Measurement]:
    images = len(found.psnr)
    rows = [Measurement(name, 0, population, "psnr", float(np.median(found.psnr)), images=images)]
    if population == "artifacts":
        distance = 10 - 8 * repaired
        rows += [
            Measurement(
                name, 0, population, "frechet_scene", distance, distance - 1, distance + 1, images
            )
        ]
    if population == "artifacts" and np.isfinite(found.pixel_recovery).all():
        recovery = float(found.pixel_recovery.mean())
        rows += [
            Measurement(
                name,
                0,
                population,
                "recovery_scene",
                repaired,
                repaired - 0.1,
                repaired + 0.1,
                images,
            ),
            Measurement(
                name,
                0,
                population,
                "pixel_recovery",
                recovery,
                recovery - 0.1,
                recovery + 0.1,
                images,
            ),
        ]
    if name == "random":  # two repeats, one apart
        return [
            Measurement(r.correction, n, r.population, r.metric, r.value + n, images=images)
            for r in rows
            for n in (0, 1)
        ]
    return rows


def _once(artifacts: int) -> list[Measurement]:
    return [
        Measurement("clean", 0, "artifacts", "frechet_scene", 1.25, 1.0, 1.5, artifacts),
        Measurement("none", 0, "heldout", "mask_iou", 0.4567, 0.4, 0.5, artifacts),
        Measurement("none", 0, "heldout", "mask_iou_chance", 0.05, images=artifacts),
    ]
