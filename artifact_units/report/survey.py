"""The section of the survey: whether any units make the artifacts, by the half nobody picked on."""

from __future__ import annotations

from typing import Any

from artifact_units.report.data import Results
from artifact_units.report.words import interval, number
from artifact_units.survey.effects import CONFIRM, Effect
from artifact_units.survey.finding import ABLE, WIDE, Finding, Survey, edited, findings, sentence


def section(results: Results) -> dict[str, Any] | None:
    """A sentence and a table a kind; None where no survey of this run's generator was made."""
    survey = results.survey
    if survey is None:
        return None
    found = findings(survey)
    some = found[0].best
    return {
        "tried": f"{survey.tried:,}",
        "left_out": survey.left_out and f"{survey.left_out:,}",
        "harm": f"{survey.harm:g}",
        "least": f"{survey.least:g}",
        "able": f"{ABLE:g}",
        "wide": f"{WIDE:g}",
        "screen_auc": number(survey.screen_auc),
        "confirm_auc": number(survey.confirm_auc),
        "normals": some.normals,
        "kinds": [_kind(survey, one) for one in found],
    }


def _kind(survey: Survey, found: Finding) -> dict[str, Any]:
    mine = [e for e in survey.effects if e.half == CONFIRM and e.kind == found.kind]
    return {
        "title": f"Artifacts of the kind {found.kind}" if found.kind else "All artifacts",
        "says": sentence(survey, found),
        "artifacts": found.best.artifacts,
        "rows": [_row(e, e is found.best) for e in sorted(mine, key=lambda e: -e.effect)],
    }


def _row(effect: Effect, best: bool) -> dict[str, Any]:
    shown = (effect.fall, effect.rise, effect.moved, effect.change)
    span = interval(effect.low, effect.high)
    return {
        "says": edited(effect),
        "effect": {"value": number(effect.effect), "interval": span, "best": best},
        "values": [number(value) for value in shown],
    }
