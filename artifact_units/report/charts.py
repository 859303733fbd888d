"""Charts by matplotlib as SVG inside the page, drawn in the page's own colours and fonts."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

# Stand-ins that svg() replaces by the page's variables: one drawing serves light and dark.
INK, MUTED, RULE, ACCENT, PAPER = "#010101", "#020202", "#030303", "#040404", "#050505"
_VARIABLES = {INK: "--ink", MUTED: "--muted", RULE: "--rule", ACCENT: "--accent", PAPER: "--paper"}
_ON_PAPER = {INK: "#1b1d21", MUTED: "#5a5f68", RULE: "#dfdfd8", ACCENT: "#0a6671"}
_ON_PAPER |= {PAPER: "#fbfbf8"}
_STYLE: dict[Any, Any] = {
    "font.size": 10.0,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "ytick.left": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "figure.constrained_layout.hspace": 0.06,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.wspace": 0.06,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.labelcolor": MUTED,
}
_REFERENCE: dict[str, Any] = {"color": MUTED, "lw": 1, "ls": (0, (4, 3)), "zorder": 0}


@dataclass(frozen=True)
class Dot:
    """One line of a dot chart: its name, its value and interval (NaN where there is none)."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Cell:
    """One unit of the strip: its index, its score, and whether it is known to be defective."""

    unit: int
    score: float
    planted: bool


@dataclass(frozen=True)
class Curves:
    """One panel of curves: its title, its places (words or numbers in order), values by name.

    ``intervals`` are (low, high) of each value of a series that has them.
    """

    title: str
    places: Sequence[Any]
    series: Mapping[str, Sequence[float]]
    intervals: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)


@mpl.rc_context(_STYLE)
def dots(
    name: str,
    panels: Mapping[str, Sequence[Dot]],
    lines: Mapping[str, Mapping[str, float]],
    says: str,
) -> Markup:
    """A panel a metric: one dot and interval a correction; named vertical lines for reference."""
    rows = [dot.name for dot in next(iter(panels.values()))]
    figure = Figure((10.5, 0.9 + 0.34 * len(rows)))
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for ax, (title, panel) in zip(axes, panels.items(), strict=True):
        _dots(ax, title, panel, lines.get(title, {}))
    axes[0].set_yticks(range(len(rows)), rows)
    axes[0].set_ylim(len(rows) - 0.4, -0.9)
    for label in axes[0].get_yticklabels():
        label.set_color(INK)
    return svg(figure, name, says)


@mpl.rc_context(_STYLE)
def strip(name: str, layers: Mapping[str, Sequence[Cell]], says: str) -> Markup:
    """A line a layer, a cell a unit by rank: the stronger, the higher its score (from zero).

    A ring marks a planted unit; the best of a layer stands at the line's end in numbers.
    """
    width = max(map(len, layers.values()))
    highest = max((cell.score for cells in layers.values() for cell in cells), default=0)
    figure = Figure((10.5, 0.8 + 0.34 * len(layers)))
    ax = figure.subplots()
    for row, cells in enumerate(layers.values()):
        _strip(ax, row, cells, max(highest, 1e-9))
        best = f"unit {cells[0].unit}: {cells[0].score:.3f}"
        ax.text(width + 0.6, row, best, va="center", fontsize=9)
    ax.set_xlim(0, width * 1.13)
    ax.set_ylim(len(layers) - 0.4, -0.6)
    ax.set_yticks(range(len(layers)), list(layers))
    ax.tick_params(axis="y", labelcolor=INK)
    ticks = [r for r in (1, 10, 20, 30, 40, 50, 60, 80, 100, 128, 256, 384, 512) if r <= width]
    ax.set_xticks([r - 0.5 for r in ticks], [str(r) for r in ticks])
    ax.set_xlabel("rank of the unit in its layer", loc="left")
    return svg(figure, name, says)


@mpl.rc_context(_STYLE)
def curves(name: str, panels: Sequence[Curves], lines: Mapping[str, float], says: str) -> Markup:
    """Panels side by side with one scale where ``lines`` stand; curves differ in mark and dash."""
    figure = Figure((0.6 + min(2.6 * len(panels), 10.6), 2.7))
    axes = figure.subplots(1, len(panels), sharey=bool(lines), squeeze=False)[0]
    for ax, panel in zip(axes, panels, strict=True):
        _curves(ax, panel, lines)
        ax.set_ylim(bottom=0)
    if len(panels[0].series) + len(lines) > 1:
        axes[0].legend()
    return svg(figure, name, says)


@mpl.rc_context(_STYLE)
def sheet(
    name: str,
    rows: Mapping[str, Sequence[Curves]],
    lines: Mapping[str, Mapping[str, float]],
    says: str,
) -> Markup:
    """Rows of panels, each row of one scale and with ``lines`` of its own; titles stand on top."""
    width = len(next(iter(rows.values())))
    figure = Figure((10.5, 0.4 + 2.1 * len(rows)))
    grid = figure.subplots(len(rows), width, sharey="row", squeeze=False)
    for axes, (title, panels) in zip(grid, rows.items(), strict=True):
        for ax, panel in zip(axes, panels, strict=True):
            _curves(ax, panel, lines.get(title, {}))
        axes[0].set_ylabel(title)
    for ax in grid[1:].flat:
        ax.set_title("")
    grid[0, 0].legend()
    return svg(figure, name, says)


def svg(figure: Figure, name: str, says: str) -> Markup:
    """The figure as an ``<svg>`` element with ``says`` as its text; equal figures, equal text."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(["Date", "Creator", "Format", "Type"])
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r' (xmlns(:xlink)?|version)="[^"]*"', "", text)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL)
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)  # the page decides
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", text)  # several charts share the page
    text = re.sub(r"'DejaVu Sans'[^;\"]*sans-serif", "var(--sans)", text)
    for stand_in, variable in _VARIABLES.items():
        text = text.replace(stand_in, f"var({variable})")
    width = round(figure.get_figwidth() * 105)
    opening = f'<svg role="img" aria-label="{escape(says)}" style="--wide: {width}px"'
    return Markup(text.replace("<svg", opening, 1))


def filed(chart: Markup) -> str:
    """The chart as a file of its own, in the colours of paper."""
    text = str(chart)
    for stand_in, variable in _VARIABLES.items():
        text = text.replace(f"var({variable})", _ON_PAPER[stand_in])
    places = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    style = f"background: {_ON_PAPER[PAPER]}"
    text = re.sub('style="--wide: (.*?)px"', rf'width="\1" style="{style}"', text, count=1)
    text = text.replace("<svg", f"<svg {places}", 1)
    return text.replace("var(--sans)", "sans-serif") + "\n"


def _dots(ax: Axes, title: str, panel: Sequence[Dot], lines: Mapping[str, float]) -> None:
    ax.set_title(title, pad=16)
    for row, dot in enumerate(panel):
        ax.plot([dot.low, dot.high], [row, row], "-", color=ACCENT, lw=1.6, solid_capstyle="butt")
        ax.plot([dot.value], [row], "o", color=ACCENT, ms=6)
    for text, place in lines.items():
        ax.axvline(place, **_REFERENCE)
        ax.text(place, -0.75, text, ha="center", va="bottom", color=MUTED, fontsize=8.5)
    ax.grid(axis="y")
    ax.set_axisbelow(True)


def _strip(ax: Axes, row: int, cells: Sequence[Cell], highest: float) -> None:
    for rank, cell in enumerate(cells):
        share = 0.05 + 0.95 * max(0.0, cell.score / highest)
        ax.add_patch(
            Rectangle((rank + 0.06, row - 0.4), 0.88, 0.8, color=ACCENT, alpha=share, lw=0)
        )
    ringed = [rank + 0.5 for rank, cell in enumerate(cells) if cell.planted]
    ax.plot(ringed, [row] * len(ringed), "o", ms=5.5, mfc=PAPER, mec=INK, mew=1.4)


def _curves(ax: Axes, panel: Curves, lines: Mapping[str, float]) -> None:
    ax.set_title(panel.title)
    marks = (("-o", ACCENT), ("--s", INK), (":^", MUTED))
    many = len(panel.places) > 8  # such as epochs: numbers on an axis, and no marks
    places = list(panel.places) if many else list(range(len(panel.places)))
    for (mark, colour), (name, values) in zip(marks, panel.series.items(), strict=False):
        if bounds := panel.intervals.get(name):
            low, high = zip(*bounds, strict=True)
            ax.fill_between(places, low, high, color=colour, alpha=0.12, lw=0)
        ax.plot(places, values, mark, color=colour, ms=0 if many else 5, lw=1.6, label=name)
    for text, place in lines.items():
        ax.axhline(place, label=text, **_REFERENCE)
    if not many:
        ax.set_xticks(places, [str(p) for p in panel.places])
    ax.set_xmargin(0.12)
    ax.grid(axis="y")
    ax.set_axisbelow(True)
