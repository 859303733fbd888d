"""One self-contained HTML page of a whole run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from artifact_units.labels import CLASSES
from artifact_units.report import corrections, units
from artifact_units.report.corrections import cell
from artifact_units.report.data import Results
from artifact_units.report.findings import UNCORRECTED, Findings, headline, lead
from artifact_units.report.gallery import Gallery
from artifact_units.report.words import metric, number, percent
from artifact_units.storage import sha256_of

HERE = Path(__file__).parent
LIBRARIES = ("torch", "torchvision", "torch-fidelity", "numpy", "pillow", "matplotlib", "pyarrow")


def page(results: Results) -> str:
    """The page's text; the same results give the same text."""
    found = Findings(results.measurements, results.corrections)
    gallery = Gallery(results, found.best)
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2").render(
        title=f"Artifact units: {headline(found)}",
        style=Markup((HERE / "page.css").read_text(encoding="utf-8").rstrip()),
        headline=headline(found),
        lead=lead(results, found),
        best=found.best,
        cover=gallery.cover(),
        figures=_figures(results, found),
        rows=_rows(gallery, found),
        table=corrections.section(results, found),
        classifier=_classifier(results, found),
        units=units.section(results, found, gallery),
        failures=gallery.failures(),
        run=_run(results.params),
        known=results.truth is not None,
    )


def _figures(results: Results, found: Findings) -> list[dict[str, str]]:
    """The few numbers that are looked at first."""
    distance = found.first("fid", "frechet") or ""
    before = found.get(UNCORRECTED, distance)
    notes = {
        ("pixel_recovery", "artifacts"): "1 is the clean image, below 0 worse than before",
        (
            found.first("recovery") or "",
            "artifacts",
        ): "share of the Fréchet distance to clean, gone",
        (distance, "artifacts"): f"uncorrected {number(before.value)}" if before else "",
        ("psnr", "normals"): "of normal generations to their uncorrected selves",
    }
    if results.truth:
        del notes[distance, "artifacts"]
    figures = [
        {"label": _label(name), "value": number(value.value), "note": note}
        for (name, population), note in notes.items()
        if (value := found.get(found.best, name, population))
    ]
    accuracy = percent(results.classifier["accuracy"])
    note = "three classes, on images kept apart for it"
    return [
        *figures,
        *_found_units(results, found),
        {"label": "Classifier accuracy", "value": accuracy, "note": note},
    ]


def _found_units(results: Results, found: Findings) -> list[dict[str, str]]:
    ranking, name = units.ranking_of(results), "mean_average_precision"
    precision, chance = found.get(ranking, name, "units"), found.get("chance", name, "units")
    if precision is None:
        return []
    note = f"of {ranking} for the planted units"
    if chance:
        note += f"; a random order: {number(chance.value)}"
    return [{"label": "Average precision", "value": number(precision.value), "note": note}]


def _label(name: str) -> str:
    title = metric(name).title
    return title[0].upper() + title[1:]


def _rows(gallery: Gallery, found: Findings) -> dict[str, Any]:
    columns, rows = gallery.rows(found.corrections)
    return {"columns": columns, "rows": rows}


def _classifier(results: Results, found: Findings) -> dict[str, Any]:
    metrics = results.classifier
    labels = Counter(row["label"] for row in results.labels)
    iou, chance, agreement = (
        found.get(UNCORRECTED, name, "heldout")
        for name in ("mask_iou", "mask_iou_chance", "classifier_agreement")
    )
    shown = {k: v for k, v in metrics.items() if k != "test_images"}
    if agreement:
        shown["agreement with the truth"] = agreement.value
    return {
        "artifacts": labels["artifact"],
        "normals": labels["normal"],
        "test_images": metrics["test_images"],
        "iou": cell(iou),
        "chance": cell(chance),
        "confusion": _confusion(results),
        "metrics": [{"label": _metric_label(k), "value": number(v)} for k, v in shown.items()],
    }


def _metric_label(name: str) -> str:
    return name.replace("auc_", "AUC of ").replace("recall_", "recall of ").replace("_", " ")


def _confusion(results: Results) -> dict[str, Any]:
    counts = results.confusion
    rows = []
    for name in CLASSES:
        own = [counts[name, said] for said in CLASSES]
        total = max(sum(own), 1)
        cells = [{"count": n, "share": f"{n / total:.3f}"} for n in own]
        rows.append({"name": name, "cells": cells, "recall": number(counts[name, name] / total)})
    return {"classes": CLASSES, "rows": rows}


def _run(params: Mapping[str, Any]) -> dict[str, Any]:
    inputs = [
        {
            "name": name,
            "path": path,
            "sha256": sha256_of(Path(path)) if Path(path).is_file() else "",
        }
        for name, path in [
            *params["inputs"].items(),
            ("extractor", params["extract_features"]["weights"]),
        ]
    ]
    return {
        "inputs": inputs,
        "parameters": [
            (section, _flat(values)) for section, values in params.items() if section != "inputs"
        ],
        "versions": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
    }


def _flat(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Nested values as lines: ``rankings.random`` -> ``ranking random_order, repeats 5``."""
    lines = []
    for key, value in values.items():
        if isinstance(value, Mapping) and any(isinstance(v, Mapping) for v in value.values()):
            lines += [(f"{key}.{k}", v) for k, v in _flat(value)]
        elif isinstance(value, Mapping):
            lines.append((key, ", ".join(f"{k} {v}" for k, v in value.items())))
        elif isinstance(value, (list, tuple)):
            lines.append((key, ", ".join(map(str, value))))
        else:
            lines.append((key, str(value) if value != "" else "–"))
    return lines
