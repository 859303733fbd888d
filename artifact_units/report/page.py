"""One self-contained HTML page of a whole run."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from artifact_units.evaluation.measurements import precision_of
from artifact_units.files.storage import whole_folder, write_text
from artifact_units.labels.verdicts import CLASSES
from artifact_units.report import (
    analysis,
    choice,
    corrections,
    differences,
    spread,
    survey,
    units,
    used,
)
from artifact_units.report.charts import Curves, curves, filed
from artifact_units.report.choice import ranking_behind
from artifact_units.report.corrections import cell
from artifact_units.report.data import Results
from artifact_units.report.findings import UNCORRECTED, Findings, headline, lead, subject
from artifact_units.report.gallery import Gallery
from artifact_units.report.pictures import montage
from artifact_units.report.words import metric, number, percent

HERE = Path(__file__).parent
MONTAGE_PX = 144  # of a picture of the cover, as a file


def contents(results: Results) -> dict[str, Any]:
    """Everything that the page says and shows; the same results give the same."""
    found = Findings([*results.measurements, *results.agreement], results.corrections)
    shown = subject(results, found)
    gallery = Gallery(results, shown)
    script = (HERE / "page.js").read_text(encoding="utf-8")
    return {
        "title": f"Artifact units: {headline(results, found)}",
        "style": Markup((HERE / "page.css").read_text(encoding="utf-8").rstrip()),
        "script": Markup(script),
        "script_hash": b64encode(sha256(script.encode()).digest()).decode(),
        "headline": headline(results, found),
        "lead": lead(results, found),
        "best": shown,
        "cover": gallery.cover(),
        "montage": montage(list(gallery.covering.values()), MONTAGE_PX),
        "figures": _figures(results, found),
        "rows": _rows(gallery, found),
        "table": corrections.section(results, found),
        "differences": differences.section(results),
        "spread": spread.section(results, found),
        "choice": choice.section(results),
        "analysis": analysis.section(results, found),
        "classifier": _classifier(results, found),
        "units": units.section(results, found, gallery),
        "survey": survey.section(results),
        "failures": gallery.failures(),
        "run": used.section(results),
        "known": results.truth is not None,
    }


def write(results: Results, out: Path, metrics: Path, pictures: Path) -> int:
    """Write the page, the rankings' precision as JSON, a folder of pictures; the page's length."""
    given = contents(results)
    with whole_folder(pictures) as part:
        for name, picture in plots(given).items():
            (part / name).write_bytes(picture)
    text = page(given)
    write_text(metrics, precision_of(results.agreement))
    write_text(out, text)
    return len(text)


def page(given: Mapping[str, Any]) -> str:
    """The page's text: one HTML file, that asks for nothing outside it."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2").render(given)


def plots(given: Mapping[str, Any]) -> dict[str, bytes]:
    """The page's cover and charts as files, by name: for the engines' own pages."""
    charts = {
        "corrections": given["table"]["chart"],
        "tried": given["choice"]["chart"],
        "analysis": given["analysis"] and given["analysis"]["chart"],
        "scores": given["units"]["strip"],
        "training": given["classifier"]["chart"],
    }
    files = {f"{name}.svg": filed(chart).encode() for name, chart in charts.items() if chart}
    return {"cover.png": given["montage"], **files}


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
        if (value := found.get(subject(results, found), name, population))
    ]
    accuracy = percent(results.classifier["accuracy"])
    note = "three classes, on images kept apart for it"
    return [
        *figures,
        *_found_units(results, found),
        {"label": "Classifier accuracy", "value": accuracy, "note": note},
    ]


def _found_units(results: Results, found: Findings) -> list[dict[str, str]]:
    shown = subject(results, found)
    ranking, used = units.ranking_of(results), ranking_behind(results, shown)
    name = "mean_average_precision"
    own = found.get(ranking, name, "units")
    if own is None:
        return []
    note = f"of the ranking {ranking}, for the planted units"
    for other, said in (
        (used, f"of {used}, which “{shown}” goes by"),
        ("chance", "by chance"),
    ):
        if other != ranking and (value := found.get(other, name, "units")):
            note += f"; {said}: {number(value.value)}"
    return [{"label": "Average precision", "value": number(own.value), "note": note}]


def _label(name: str) -> str:
    title = metric(name).title
    return title[0].upper() + title[1:]


def _rows(gallery: Gallery, found: Findings) -> dict[str, Any]:
    columns, rows = gallery.rows(found.corrections)
    return {"columns": columns, "rows": rows}


def _classifier(results: Results, found: Findings) -> dict[str, Any]:
    metrics = results.classifier
    labels = Counter(row["label"] for row in results.labels if row["split"] == "train")
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
        "chart": _training(results),
        "metrics": [{"label": _metric_label(k), "value": number(v)} for k, v in shown.items()],
    }


def _training(results: Results) -> Markup:
    epochs = [int(row["epoch"]) for row in results.training]
    panels = [
        Curves(f"{title}, by epoch", epochs, {title: [row[key] for row in results.training]})
        for title, key in {"loss": "loss", "accuracy on validation": "validation_accuracy"}.items()
    ]
    says = [f"{p.title}: {', '.join(map(number, *p.series.values()))}" for p in panels]
    return curves("training", panels, {}, "; ".join(says))


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
