"""The pictures of the page: pairs, rows, unit cards, failure cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from artifact_units.classifier.heatmaps import masks_from
from artifact_units.computing.elementwise import logsumexp
from artifact_units.images.image_sets import ImageSet
from artifact_units.report.data import Results
from artifact_units.report.findings import UNCORRECTED
from artifact_units.report.pictures import LARGEST, Picture, data_uri, heated, outline, to_grid
from artifact_units.report.words import number

COLUMNS = 7  # corrections side by side
PAIRS = 8  # of the cover
COVER_PX = 256  # at most, of a picture of the cover
CLEAN = "clean (truth)"
STRONGEST = 6  # generations of a unit
LEFT = 4  # times the difference that is left is shown: a quarter of the range is the brightest


@dataclass(frozen=True)
class Shown:
    """A picture as the template takes it; ``grid`` is what the outline's numbers count."""

    uri: str
    alt: str
    caption: str
    px: int
    outline: str = ""
    grid: int = 1


def shown(
    picture: Picture,
    alt: str,
    caption: str = "",
    mask: Tensor | None = None,
    largest: int = LARGEST,
) -> Shown:
    """A picture with its texts, and the outline of a mask of the same size."""
    px = int(picture.shape[-1])
    border = outline(mask) if mask is not None else ""
    return Shown(data_uri(picture, largest), alt, caption, px, border, px)


class Gallery:
    """Pictures of one run for its best correction."""

    def __init__(self, results: Results, best: str) -> None:
        self.results = results
        self.best = best
        self.before = results.corrected(UNCORRECTED)
        self.ids = self.before.ids[self.before.repeats == 0]
        self.heat = results.heatmaps().take(self.ids)
        self.threshold = float(results.params["score_units"]["mask_threshold"])

    @cached_property
    def surest(self) -> np.ndarray:
        """The ids of the cover: those that the classifier is surest about, best first."""
        odds = self.heat.logits[:, 0] - logsumexp(self.heat.logits[:, 1:])
        return self.ids[torch.argsort(odds, descending=True, stable=True)[:PAIRS].numpy()]

    @cached_property
    def covering(self) -> dict[str, Tensor]:
        """Their pictures: as generated, corrected and, where the truth is known, clean."""
        return {name: of.take(self.surest) for name, of in self._compared_sets().items()}

    def cover(self) -> dict[str, Any]:
        """Pairs before/after; ``opened`` is the first whose artifact lies on the left.

        The slider opens half way: there the left half is the original.
        """
        before, after, *clean = self.covering.values()
        masks = masks_from(self.heat.take(self.surest).heatmaps, self.threshold, before.shape[-1])
        half = masks.shape[-1] // 2
        lefts = (masks[..., :half].sum((1, 2)) > masks[..., half:].sum((1, 2))).tolist()
        pairs = []
        for n, i in enumerate(self.surest.tolist()):
            said = f"generation {i} as generated, the mask of its artifact outlined"
            pictures = [
                shown(before[n], said, "original", masks[n], COVER_PX),
                shown(
                    after[n], f"generation {i} corrected by {self.best}", self.best, None, COVER_PX
                ),
            ]
            pictures += [shown(c[n], f"generation {i}: {CLEAN}", CLEAN) for c in clean]
            pairs.append({"id": i, "pictures": pictures})
        return {"pairs": pairs, "opened": lefts.index(True) if True in lefts else 0}

    def _compared_sets(self) -> dict[str, ImageSet]:
        sets = {"original": self.before, self.best: self.results.corrected(self.best)}
        return sets | ({CLEAN: self.results.truth.clean} if self.results.truth else {})

    def rows(self, corrections: Sequence[str]) -> tuple[list[str], list[dict[str, Any]]]:
        """Titles of the columns, and a row a generation: the first ones in id order."""
        ids = self.ids[: self.results.params["report"]["generations"]]
        compared = _few([c for c in corrections if c != UNCORRECTED], self.best)
        images = {"original": self.before.take(ids)}
        images |= {name: self.results.corrected(name).take(ids) for name in compared}
        if self.results.truth:
            images[CLEAN] = self.results.truth.clean.take(ids)
        sure = self.heat.take(ids).logits.softmax(1)[:, 0]
        rows = [
            {
                "id": i,
                "note": f"artifact, the classifier says with probability {sure[n]:.3f}",
                "pictures": self._compared(i, {k: v[n] for k, v in images.items()}),
            }
            for n, i in enumerate(ids.tolist())
        ]
        original, *others = images
        return [original, "heatmap and mask", *others], rows

    def failures(self) -> list[dict[str, Any]]:
        """What the best correction does worst, worst first: the lowest pixel recovery.

        Where no truth is known, the largest change outside the mask, where nothing seemed wrong.
        """
        wanted = {"correction": self.best, "population": "artifacts", "repeat": 0}
        mine = [row for row in self.results.changes if wanted.items() <= row.items()]
        by, sign = ("pixel_recovery", 1) if self.results.truth else ("outside", -1)
        mine.sort(key=lambda row: np.nan_to_num(sign * row[by], nan=np.inf))
        worst = mine[: self.results.params["report"]["failures"]]
        ids = [row["id"] for row in worst]
        images = {name: of.take(ids) for name, of in self._compared_sets().items()}
        return [
            {
                "title": f"Generation {row['id']}",
                "facts": _change(row),
                "pictures": self._failed(row["id"], {k: v[n] for k, v in images.items()}),
            }
            for n, row in enumerate(worst)
        ]

    def unit(self, layer: str, unit: int) -> list[Shown]:
        """The unit's strongest labelled generations, with the outline of where it is on."""
        ids, maps = self.results.featuremaps(layer, unit)
        threshold = self.results.threshold(layer, unit)
        strength = maps.amax((1, 2))
        order = torch.argsort(strength, descending=True, stable=True)[:STRONGEST]
        labels = {row["id"]: row["label"] for row in self.results.labels}
        chosen = ids[order.numpy()]
        pictures = []
        for i, n, image in zip(
            chosen.tolist(), order, self.results.labelled.take(chosen), strict=True
        ):
            on = to_grid(maps[n], image.shape[-1]) > threshold
            label = labels.get(i, "no label")
            alt = f"generation {i}, labelled {label}; outlined where unit {unit} of {layer} is on"
            pictures.append(shown(image, alt, label, on))
        return pictures

    def _failed(self, i: int, images: Mapping[str, Picture]) -> list[Shown]:
        """These, and where the corrected picture still differs from the clean one, if known."""
        pictures = self._compared(i, images)
        if CLEAN in images:
            after, clean = images[self.best], images[CLEAN]
            far = (after.float() - clean.float()).abs().mean(0) / 255
            alt = f"generation {i}: difference of corrected and clean, {LEFT} times"
            pictures.append(shown(heated(after, far * LEFT), alt, f"difference ×{LEFT}"))
        return pictures

    def _compared(self, i: int, images: Mapping[str, Picture]) -> list[Shown]:
        """The original, its heatmap with the mask, and the others by their names."""
        original = images["original"]
        px = int(original.shape[-1])
        heat = self.heat.take([i]).heatmaps
        hot = heated(original, to_grid(heat[0], px))
        mask = masks_from(heat, self.threshold, px)[0]
        return [
            shown(original, f"generation {i} as generated", "original"),
            shown(hot, f"heatmap of generation {i}, its mask outlined", "heatmap and mask", mask),
            *(shown(v, f"generation {i}: {k}", k) for k, v in images.items() if k != "original"),
        ]


def _few(names: list[str], best: str) -> list[str]:
    """At most ``COLUMNS`` of them, in order, the best always among them."""
    if len(names) <= COLUMNS:
        return names
    kept = {best, *[n for n in names if n != best][: COLUMNS - 1]}
    return [n for n in names if n in kept]


def _change(row: Mapping[str, Any]) -> str:
    said = f"changed {number(row['outside'])} outside the mask, {number(row['inside'])} in it"
    recovered = row["pixel_recovery"]
    return f"pixel recovery {number(recovered)}; {said}" if np.isfinite(recovered) else said
