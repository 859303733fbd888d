"""What the run found: every measurement as one value, the best correction, the headline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from artifact_units.errors import UserError
from artifact_units.evaluation.measurements import Measurement, Summary, summarise
from artifact_units.report.choice import fitted
from artifact_units.report.data import Results
from artifact_units.report.words import counted, interval, listed, metric, number, percent

UNCORRECTED = "none"


class Findings:
    """The measurements, repeats summarised; a correction is looked up by its name."""

    def __init__(self, measurements: Sequence[Measurement], corrections: Sequence[str]) -> None:
        self.values = {k: _possible(k[2], v) for k, v in summarise(measurements).items()}
        of_artifacts = dict.fromkeys(c for c, p, _ in self.values if p == "artifacts")
        if UNCORRECTED not in of_artifacts:
            raise UserError(
                f"the measurements hold no row of the correction {UNCORRECTED!r}; evaluate it"
            )
        self.corrections = [c for c in corrections if c in of_artifacts]
        self.references = [c for c in of_artifacts if c not in corrections]  # clean, where known

    def get(self, correction: str, name: str, population: str = "artifacts") -> Summary | None:
        """The value, or None where it was not measured or is no number."""
        found = self.values.get((correction, population, name))
        return found if found and math.isfinite(found.value) else None

    def metrics(self, population: str) -> list[str]:
        """Names of what was measured on a population, in the table's order."""
        return list(dict.fromkeys(m for _, p, m in self.values if p == population))

    def first(self, *beginnings: str, population: str = "artifacts") -> str | None:
        """The first metric of the population that begins so (an extractor's name follows)."""
        return next((m for m in self.metrics(population) if m.startswith(beginnings)), None)

    @property
    def goal(self) -> str:
        """The metric that decides: pixel recovery where the truth is known, else a Frechet one."""
        goal = self.first("pixel_recovery") or self.first("fid", "frechet")
        if goal is None:
            raise UserError(
                "the measurements hold no Frechet distance of the artifacts; evaluate it"
            )
        return goal

    def best_of(self, name: str, population: str = "artifacts") -> str | None:
        """The correction (not the uncorrected row) with the best value; the first among equals."""
        better = metric(name, population).better
        found = {
            c: value.value if better == "higher" else -value.value
            for c in self.corrections
            if c != UNCORRECTED and (value := self.get(c, name, population))
        }
        return max(found, key=found.__getitem__) if found and better else None

    def is_best(self, correction: str, name: str, population: str = "artifacts") -> bool:
        """Whether no correction is better than this one; equals are best together."""
        best, mine = self.best_of(name, population), self.get(correction, name, population)
        if mine is None or best is None or correction in (UNCORRECTED, *self.references):
            return False
        return mine.value == self.values[best, population, name].value

    @property
    def best(self) -> str:
        """The best correction by ``goal``."""
        best = self.best_of(self.goal)
        if best is None:
            raise UserError("params.yaml compares no correction; add one beside 'none'")
        return best


def _possible(name: str, value: Summary) -> Summary:
    """The value, its interval cut to what the metric can be.

    A bootstrap's interval is its quantiles moved to lie around the value (``resampling.interval``),
    which can move an end a little beyond 0 or 1. Deviations of repeats stay as they are.
    """
    if value.repeats > 1:
        return value
    low, high = np.clip((value.low, value.high), *metric(name).bounds)
    return replace(value, low=float(low), high=float(high))


def spread(value: Summary) -> str:
    """What the interval of a value is."""
    return f"one deviation of {value.repeats} repeats" if value.repeats > 1 else "95 % interval"


def subject(results: Results, found: Findings) -> str:
    """The correction that the page shows: the choice where no truth is known, else the best."""
    if results.truth or results.chosen == UNCORRECTED:
        return found.best
    return results.chosen


def headline(results: Results, found: Findings) -> str:
    """The result in one sentence, whatever it is: without a truth it is the choice's."""
    return _recovered(found) if results.truth else _verdict(results, found)


def lead(results: Results, found: Findings) -> str:
    """What stands under the headline: how it was chosen, what it costs, what it does not show."""
    shown = subject(results, found)
    said = [_compared(found), _choice(results)] if results.truth else [_unproved(results, found)]
    said.append(_edited(results.edits(shown)))
    if psnr := found.get(shown, "psnr", "normals"):
        said.append(
            "The same edit changes normal generations too: their PSNR to what they were is "
            f"{number(psnr.value)} dB."
        )
    if results.truth:
        said.append(_planted(results.truth.units, results.edits(shown)[0]["layers"]))
    return " ".join(said)


def _verdict(results: Results, found: Findings) -> str:
    """The choice's result, harm beside gain."""
    others = counted(len(found.corrections) - 1, "correction")
    if results.chosen == UNCORRECTED:
        return (
            f"No correction: none of {others} lowers the artifact probability by more than noise "
            "and its harm; nothing was changed."
        )
    before, after = (results.taken(name)["artifacts"] for name in (UNCORRECTED, results.chosen))
    harm = found.get(results.chosen, "psnr", "normals")
    also = f"; normal generations keep a PSNR of {number(harm.value)} dB" if harm else ""
    return (
        f"“{results.chosen}” was chosen of {others}: the artifact probability of labelled "
        f"artifacts goes from {number(before)} to {number(after)}{also}."
    )


def _choice(results: Results) -> str:
    """Which correction the choice without a truth fell on."""
    if results.chosen == UNCORRECTED:
        return "Without the truth, on other, labelled generations, no correction was chosen."
    return (
        "Without the truth, on other, labelled generations, choose_correction fell on "
        f"“{results.chosen}” ({fitted(results, results.chosen)})."
    )


def _unproved(results: Results, found: Findings) -> str:
    """What a choice by the classifier is worth, and what is shown where nothing was chosen."""
    said = "No truth is known here: the choice is by the classifier on labelled generations"
    if results.chosen != UNCORRECTED:
        return f"{said}, and nothing says which units are really at fault."
    title = metric(found.goal).title
    return f"{said}. Shown is “{found.best}”, the nearest by {title}, which was not chosen."


def _recovered(found: Findings) -> str:
    best, after = found.best, found.get(found.best, found.goal)
    if after is None:
        return f"Correction “{best}” was not measured."
    also = found.get(best, found.first("recovery") or "")
    if after.value <= 0:
        back = f", with {percent(also.value)} of the way by Fréchet distance" if also else ""
        return (
            "No correction brings held-out artifact generations nearer to the clean image, pixel "
            f"for pixel; “{best}” comes closest ({number(after.value)}){back}."
        )
    by_distance = f", and {percent(also.value)} of it by Fréchet distance" if also else ""
    return (
        f"Correction “{best}” brings {after.images} held-out artifact generations "
        f"{percent(after.value)} of the way back to the clean image, pixel for pixel{by_distance}."
    )


def _compared(found: Findings) -> str:
    after, compared = found.get(found.best, found.goal), len(found.corrections) - 1
    said = f"It is the best of {counted(compared, 'correction')} by {metric(found.goal).title}"
    if after and (span := interval(after.low, after.high)):
        said += f" ({number(after.value)}, {spread(after)} {span})"
    return f"{said}, picked on the generations that it is measured on, so a little flattered."


def _planted(units: Mapping[str, Sequence[int]], edits: Mapping[str, Any]) -> str:
    count = counted(sum(map(len, units.values())), "unit")
    said = f"The truth is known: {count} of {listed(list(units))} were made defective"
    edited = [(layer, u) for layer, edit in edits.items() for u in edit.get("units", ())]
    hit = sum(u in units.get(layer, ()) for layer, u in edited)
    return f"{said}, {hit} of the {len(edited)} edited among them." if edited else f"{said}."


def _edited(repeats: list[dict[str, Any]]) -> str:
    layers, gate = repeats[0]["layers"], repeats[0]["gate"]
    units = sum(len(edit.get("units", ())) for edit in layers.values())
    where = f"{counted(units, 'unit')} in {counted(len(layers), 'layer')}"
    if not units:
        where = f"positions or units of {counted(len(layers), 'layer')}, image by image"
    if latent := repeats[0]["latent"]:
        where = "latents, not units: other images are drawn"
        if kept := latent.get("acceptance"):
            where += f", of which the classifier accepts {percent(kept)},"
    elif not layers:
        where = "nothing"
    gated = f"where the classifier's artifact probability is at least {gate:g}"
    return f"It edits {where}, {gated if gate else 'by the same rule in every generation'}."
