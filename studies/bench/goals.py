"""The goals that the bench was made for, each with its figure and whether it is reached."""

from __future__ import annotations

from collections.abc import Iterator

from studies.bench.methods import LABELS_ONLY, PAPER, ROWS
from studies.bench.results import Results, with_interval

PRECISION = {"easy": 0.95, "deep": 0.95, "hard": 0.85, "leaky": 0.85}
PRECISION_NOISY = 0.85  # with the most wrong labels
OF_CEILING = 0.95
HARM = 45.0  # dB
MINUTES = 40


def goals(r: Results, cpu_seconds: float) -> str:
    """The table of goals, and for each kind what was found."""
    rows = [*_rankings(r), *_chosen(r), *_harm(r), *_paper(r), _cost(r, cpu_seconds)]
    lines = ["| goal | found | |", "|---|---|---|"]
    lines += [
        f"| {goal} | {found} | {'reached' if ok else 'NOT reached'} |" for goal, found, ok in rows
    ]
    return "## Goals\n\n" + "\n".join(lines)


Row = tuple[str, str, bool]


def _rankings(r: Results) -> Iterator[Row]:
    for kind in r.kinds:
        for error, least in ((0.02, PRECISION[kind]), (0.1, PRECISION_NOISY)):
            means = {n: r.mean(kind, n, "average_precision", error) for n in LABELS_ONLY}
            best = max(means, key=lambda n: means[n])
            found = with_interval(r.values(kind, best, "average_precision", error))
            goal = f"best ranking by labels, {kind}, {error:.0%} wrong: precision >= {least:g}"
            yield goal, f"{best} {found}", means[best] >= least


def _chosen(r: Results) -> Iterator[Row]:
    for kind in r.kinds:
        part, pixels = (r.of_ceiling(kind, "chosen", m) for m in ("recovery", "pixel_recovery"))
        found = f"{with_interval(part)}; of pixels {with_interval(pixels)}"
        goal = f"chosen without truth, {kind}: recovery >= {OF_CEILING:g} of the ceiling"
        yield goal, found, float(part.mean()) >= OF_CEILING


def _harm(r: Results) -> Iterator[Row]:
    for kind in r.kinds:
        found, gated = (r.values(kind, name, "psnr") for name in ("chosen", "chosen_gated"))
        yield f"its normals, {kind}: >= {HARM:g} dB", with_interval(found, 1), found.mean() >= HARM
        price = (r.mean(kind, name, "pixel_recovery") for name in ("chosen_gated", "chosen"))
        words = "{:.1f} against {:.1f}; the gate recovers {:.2f} of the pixels, not {:.2f}"
        said = words.format(found.mean(), gated.mean(), *price)
        yield f"and no worse than with the gate, {kind}", said, found.mean() >= gated.mean()


def _paper(r: Results) -> Iterator[Row]:
    wanted = (PAPER, f"{PAPER}_max", f"{PAPER}_minmax")
    yield (
        "Algorithm 1 under each normalisation",
        "rows " + ", ".join(wanted),
        set(wanted) <= set(ROWS),
    )


def _cost(r: Results, cpu_seconds: float) -> Row:
    of_ten = cpu_seconds / r.seeds * 10 / 2 / 60
    goal = f"ten seeds on two cores: <= {MINUTES} minutes; one: <= 4"
    found = f"{cpu_seconds:.0f} cpu-seconds for {r.seeds} seeds: {of_ten:.0f} minutes for ten"
    return goal, found, of_ten <= MINUTES
