"""The two figures of the page: a dozen kilobytes each, the same bytes each time."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from artifact_units.files.storage import whole_file
from studies.bench.results import Results
from studies.bench.settings import ERRORS

SHOWN = ("one_layer", "sequential", "sequential_max", "clip", "clip_range_excess", "chosen")
RANKED = (
    "defective_score",
    "contrast",
    "activation_difference",
    "range_excess",
    "local_activation",
)
GREY = "#8c959f"
DPI, COLOURS = 110, 64


def write_figures(folder: Path, stem: str, results: Results) -> list[str]:
    """Write them to ``folder``; their names."""
    drawn = {f"{stem}_repair.png": repair(results), f"{stem}_labels.png": labels(results)}
    for name, figure in drawn.items():
        raw = io.BytesIO()
        figure.savefig(raw, format="png", dpi=DPI)
        with whole_file(folder / name) as part:
            Image.open(raw).convert("RGB").quantize(COLOURS).save(part, "PNG", optimize=True)
    return list(drawn)


def repair(results: Results) -> Figure:
    """Repair of artifacts against harm to normal generations, a panel a kind.

    What is worse than -2 is off the panel. Dashed: the ceiling; dotted: 45 dB.
    """
    figure = Figure(figsize=(9.5, 2.9), layout="constrained")
    panels = figure.subplots(1, len(results.kinds), sharex=True, sharey=True, squeeze=False)[0]
    for axes, kind in zip(panels, results.kinds, strict=True):
        for method in SHOWN:
            at = results.mean(kind, method, "psnr"), results.mean(kind, method, "pixel_recovery")
            axes.plot(*at, "o", markersize=5, label=method)
        axes.axhline(results.mean(kind, "ceiling", "pixel_recovery"), color=GREY, lw=0.8, ls="--")
        axes.axvline(45, color=GREY, lw=0.8, ls=":")
        axes.set(title=kind, xlabel="change of normals, dB", xlim=(15, 92), ylim=(-2.2, 1.1))
    panels[0].set_ylabel("pixel recovery")
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6, frameon=False
    )
    return figure


def labels(results: Results) -> Figure:
    """Average precision of rankings over the rate of wrong labels, a panel a kind."""
    figure = Figure(figsize=(9.5, 2.6), layout="constrained")
    panels = figure.subplots(1, len(results.kinds), sharey=True, squeeze=False)[0]
    for axes, kind in zip(panels, results.kinds, strict=True):
        for method in RANKED:
            found = [results.mean(kind, method, "average_precision", e) for e in ERRORS]
            axes.plot([100 * e for e in ERRORS], found, "o-", markersize=3, lw=1, label=method)
        axes.set(title=kind, xlabel="wrong labels, %", ylim=(0, 1.05))
    panels[0].set_ylabel("average precision")
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False
    )
    return figure
