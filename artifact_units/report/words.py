"""How numbers are written and what they mean: the words of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Metric:
    """A metric's title, which way is better (``lower``, ``higher`` or neither), what it says.

    ``bounds`` are the least and the most that it can be.
    """

    title: str
    better: str
    says: str
    bounds: tuple[float, float] = (-math.inf, math.inf)


SHARE, AMOUNT = (0.0, 1.0), (0.0, math.inf)  # bounds

# By name, or by what the name begins with (the extractor's name follows).
METRICS = {
    "recovery": Metric(
        "recovery",
        "higher",
        "How much of the Fréchet distance to other images of the clean generator has gone, from "
        "the uncorrected generations to their clean selves: 1 is all of it. Those are not at "
        "distance 0, and a correction can pass them: read it together with pixel recovery.",
    ),
    "pixel_recovery": Metric(
        "pixel recovery",
        "higher",
        "1 − |corrected − clean| / |uncorrected − clean| over all pixels: 1 is the clean image; "
        "below 0 the images are further from it than before the correction.",
        (-math.inf, 1.0),
    ),
    "psnr": Metric(
        "PSNR, dB",
        "",
        "Peak signal-to-noise ratio of the corrected image to the uncorrected one, the median of "
        "the images. For normal generations higher is better: below about 30 dB the change is "
        "seen.",
        AMOUNT,
    ),
    "perceptual": Metric(
        "ST-LPIPS",
        "",
        "How different the corrected image looks from the uncorrected one (Ghildyal and Liu, "
        "2022): 0 is the same; a shift of a pixel hardly counts. Not the numbers of LPIPS.",
        AMOUNT,
    ),
    "inside": Metric(
        "change in the mask",
        "",
        "Mean absolute change of pixels in the mask; 1 is black to white.",
        SHARE,
    ),
    "outside": Metric(
        "change outside",
        "",
        "The same outside the mask, where nothing seemed wrong. Who changes nothing has the least; "
        "a clean row says what a repair has.",
        SHARE,
    ),
    "unchanged": Metric(
        "unchanged",
        "",
        "Share of the images in which the correction changed no pixel.",
        SHARE,
    ),
    "changed": Metric(
        "pixels changed",
        "",
        "Fraction of pixels that the correction changed, however little.",
        SHARE,
    ),
    "fid": Metric("FID", "lower", "Fréchet distance in Inception's features.", AMOUNT),
    "frechet": Metric(
        "Fréchet distance",
        "lower",
        "Distance of the distribution of an extractor's features from that of the real images, or "
        "of the clean generator's. Few images bias it upwards: compare only equal numbers.",
        AMOUNT,
    ),
    "kid": Metric("KID", "lower", "Kernel distance in Inception's features; unbiased."),
    "kernel": Metric("kernel distance", "lower", "As the Fréchet distance, without its bias."),
    "precision": Metric(
        "precision", "higher", "Fraction of generations that lie among the real images.", SHARE
    ),
    "recall": Metric(
        "recall", "higher", "Fraction of the real images that lie among the generations.", SHARE
    ),
    "realism": Metric(
        "realism",
        "higher",
        "Realism score of an image (Kynkäänniemi et al., 2019), averaged: above 1 it lies among "
        "the real images.",
        AMOUNT,
    ),
    "realistic": Metric(
        "realistic", "higher", "Fraction of generations of realism 1 or more.", SHARE
    ),
}


# Of normal generations: they have no mask, and nothing in them needs a change.
NORMALS = {
    "psnr": replace(METRICS["psnr"], better="higher"),
    "unchanged": replace(METRICS["unchanged"], better="higher"),
    "perceptual": replace(METRICS["perceptual"], better="lower"),
    "outside": Metric(
        "change", "lower", "Mean absolute change of all pixels; 1 is black to white."
    ),
}


def metric(name: str, population: str = "artifacts") -> Metric:
    """What a metric's name means; a name nobody knows stands for itself.

    ``frechet_scene_reference`` is the Frechet distance, in scene features, to the clean generator.
    """
    known = _known(name)
    if population == "normals" and name in NORMALS:
        return NORMALS[name]
    if known is None:
        return Metric(name.replace("_", " "), "", "")
    found = METRICS[known]
    return replace(found, title=f"{found.title} to clean") if name.endswith("_reference") else found


def has_words(name: str) -> bool:
    """Whether it is known here what a metric means."""
    return _known(name) is not None


def features_of(name: str) -> str:
    """The extractor in a metric's name; empty where it needs none, or nobody knows the name."""
    known = _known(name) or name
    return name[len(known) + 1 :].removesuffix("_reference")


def _known(name: str) -> str | None:
    return next((k for k in METRICS if name == k or name.startswith(k + "_")), None)


def number(value: float) -> str:
    """Three significant digits, fewer of small numbers; a true minus sign, no ``-0``."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "−∞"
    rounded = float(f"{value:.3g}")
    if rounded == 0:
        return "0"
    size = math.floor(math.log10(abs(rounded)))
    places = 1 - size if size < -2 else min(3, max(0, 2 - size))
    return f"{value if places else rounded:,.{places}f}".replace("-", "−")


def interval(low: float, high: float) -> str:
    """``0.12 to 0.34``; empty where there is none."""
    return f"{number(low)} to {number(high)}" if math.isfinite(low) and math.isfinite(high) else ""


def percent(value: float) -> str:
    """A fraction as ``83 %``, which no line break divides."""
    return (
        "–"
        if not math.isfinite(value)
        else f"{round(value * 100)}\N{NO-BREAK SPACE}%".replace("-", "−")
    )


def listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def counted(count: int, noun: str) -> str:
    """``1 unit``, ``28 units``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
