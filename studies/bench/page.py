"""The page on the bench: tables and verdicts, from the table of results alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from artifact_units.files.storage import write_text
from studies.bench.costs import COSTS
from studies.bench.figures import write_figures
from studies.bench.goals import goals
from studies.bench.kinds import KINDS
from studies.bench.methods import CHOICE, PAPER, RANKINGS, ROWS
from studies.bench.results import USUAL, Results, with_interval
from studies.bench.settings import ERRORS, Settings
from studies.bench.words import (
    CEILINGS,
    EASY,
    HEAD,
    HOW,
    METRICS,
    PAPERS,
    RANKING_NOTE,
    REGRET,
    REPAIR_NOTE,
)

ALGORITHM_1 = ("one_layer", *(name for name in ROWS if name.startswith("sequential")))
COMPARED = [name for name in ROWS if name not in (PAPER, "none")]
SENSITIVE = ("sequential", "clip", "clip_contrast", "clip_range_excess_6", "chosen")


def write_page(path: Path, results: Path, cpu_seconds: float) -> None:
    """Write the page to ``path``, its figures beside it (or in ``pictures``, if there is one)."""
    found = Results.read(results)
    folder = path.parent / "pictures"
    folder = folder if folder.is_dir() else path.parent
    repair, labels = write_figures(folder, path.stem, found)
    where = "" if folder == path.parent else "pictures/"
    parts = [
        HEAD.format(
            seeds=found.seeds, cells=found.seeds * len(found.kinds) * len(ERRORS), usual=USUAL
        ),
        goals(found, cpu_seconds),
        f"![Repair against harm]({where}{repair})\n\n{REPAIR_NOTE}",
        "## The kinds of defects\n\n" + CEILINGS + "\n\n" + _plantings(found),
        "## Who finds the units\n\n" + RANKING_NOTE + "\n\n" + _rankings(found),
        f"![Wrong labels]({where}{labels})",
        "## Who repairs the image\n\n"
        + METRICS.format(paper=PAPER, tests=len(COMPARED) * len(found.kinds), tables=len(MEASURED)),
        *(_corrections(found, *metric) for metric in MEASURED),
        "## The paper's Algorithm 1\n\n" + PAPERS + "\n\n" + _algorithm_1(found),
        "## Wrong labels\n\n" + _labels(found),
        "## What the choice without a truth chose\n\n" + _chosen(found),
        "## What the choice's cost is worth\n\n" + REGRET + "\n\n" + _regret(found),
        "## What is easy by construction\n\n" + EASY + "\n\n" + _falls(found),
        HOW.format(settings=Settings()),
    ]
    write_text(path, "\n\n".join(parts) + "\n")


MEASURED = (
    ("recovery", "Recovery in the Fréchet distance (1 = as good as clean)", 2),
    ("pixel_recovery", "Pixel recovery (1 = clean)", 2),
    ("psnr", "Change of normal generations, dB, their median (89 = none)", 1),
    ("unchanged", "Share of normal generations without a changed pixel", 2),
    ("unlike", "Structural dissimilarity outside the mask (0 = clean)", 4),
)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _plantings(r: Results) -> str:
    def row(kind: str) -> list[str]:
        return [
            kind,
            KINDS[kind].words,
            *(with_interval(r.values(kind, "planting", m)) for m in ("artifacts", "area")),
            *(
                f"{r.mean(kind, *which):.2f}"
                for which in (("broken", "frechet"), ("clean", "frechet"), ("planting", "noise"))
            ),
            *(with_interval(r.values(kind, m, "pixel_recovery")) for m in ("zero_true", "ceiling")),
        ]

    head = [
        "kind",
        "what",
        "artifacts",
        "area",
        "FD broken",
        "FD clean",
        "noise",
        "true units at zero",
        "ceiling",
    ]
    return table(head, (row(kind) for kind in r.kinds))


def _rankings(r: Results) -> str:
    names = [*RANKINGS, "chance"]
    rows = (
        [name, *(with_interval(r.values(k, name, "average_precision")) for k in r.kinds)]
        for name in names
    )
    return table(["ranking", *r.kinds], rows)


def _corrections(r: Results, metric: str, title: str, digits: int) -> str:
    found = r.against_paper(COMPARED, metric)

    def cell(kind: str, name: str) -> str:
        text = with_interval(r.values(kind, name, metric), digits)
        return f"{text} {MARKS[found[kind, name]]}" if name in COMPARED else text

    names = [*ROWS, "zero_true", "ceiling"]
    rows = ([name, *(cell(kind, name) for kind in r.kinds)] for name in names)
    return f"### {title}\n\n" + table(["correction", *r.kinds], rows)


MARKS = {"win": "**+**", "tie": "=", "loss": "**−**"}


def _algorithm_1(r: Results) -> str:
    def cell(kind: str, name: str) -> str:
        found = (r.mean(kind, name, metric) for metric in ("recovery", "pixel_recovery", "psnr"))
        return "{:.2f} / {:.2f} / {:.0f}".format(*found)

    return table(
        ["R / pixels / dB", *r.kinds], ([n, *(cell(k, n) for k in r.kinds)] for n in ALGORITHM_1)
    )


def _labels(r: Results) -> str:
    rows = [
        [name, kind, *(with_interval(r.values(kind, name, "pixel_recovery", e)) for e in ERRORS)]
        for name in SENSITIVE
        for kind in r.kinds
    ]
    auc = [
        [
            "AUC of the classifier",
            kind,
            *(with_interval(r.values(kind, "classifier", "auc", e)) for e in ERRORS),
        ]
        for kind in r.kinds
    ]
    head = ["pixel recovery", "kind", *(f"{e:.0%} wrong" for e in ERRORS)]
    return table(head, [*rows, *auc])


def _chosen(r: Results) -> str:
    rows = []
    for kind in r.kinds:
        notes = [note.split(": artifact")[0] for note in r.notes(kind, "chosen")]
        counted = sorted({n: notes.count(n) for n in notes}.items(), key=lambda item: -item[1])
        rows.append([kind, "; ".join(f"{n} of {len(notes)}: {note}" for note, n in counted)])
    return table(["kind", f"chosen, at {USUAL:.0%} wrong labels"], rows)


def _regret(r: Results) -> str:
    """True pixel recovery lost against the best candidate, by cost and kind."""

    def cell(kind: str, name: str) -> str:
        best = np.max([r.values(kind, each, "pixel_recovery") for each in CHOICE], axis=0)
        return with_interval(best - r.values(kind, name, "pixel_recovery"), 3)

    rows = ([name, *(cell(kind, name) for kind in r.kinds)] for name in COSTS)
    return table(["regret", *r.kinds], rows)


def _falls(r: Results) -> str:
    def mean(name: str, kinds: Sequence[str]) -> float:
        return sum(r.mean(k, name, "average_precision") for k in kinds) / len(kinds)

    silent = [k for k in r.kinds if k in ("easy", "deep")]
    loud = [k for k in r.kinds if k in ("hard", "leaky")]
    falls = {n: (mean(n, silent), mean(n, loud)) for n in RANKINGS if n not in ("oracle", "random")}
    ordered = sorted(falls.items(), key=lambda item: item[1][1] - item[1][0])
    rows = ([n, f"{a:.2f}", f"{b:.2f}", f"{b - a:+.2f}"] for n, (a, b) in ordered)
    return table(["ranking", " and ".join(silent), " and ".join(loud), "change"], rows)
