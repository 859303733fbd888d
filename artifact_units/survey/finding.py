"""What a survey found, kept as a table and said in words: which units move the artifacts, or none.

Units move artifacts of a kind where an edit of them closes, for sure, at least a share ``least`` of
the gap: by so much the judge tells these artifacts from normal generations. A judge that hardly
tells them decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from artifact_units.errors import UserError
from artifact_units.files.tables import metadata_of, read_table, write_table
from artifact_units.survey.candidates import UNIT
from artifact_units.survey.effects import CONFIRM, SCREEN, Effect

MOVED, NONE, UNDECIDED, UNTOLD = "moved", "none", "undecided", "untold"
ABLE = 0.8  # AUC from which a judge is believed,
WIDE = 0.2  # and the gap: of a narrower one the weight of any harm is all that is seen
NAMED = 10  # units; more are counted
WORDS = {"off": "off", "range": "held to the range of normals", "up": "up"}


@dataclass(frozen=True)
class Survey:
    """All effects, and what they were measured with."""

    effects: Sequence[Effect]
    least: float  # share of the gap
    harm: float
    left_out: int  # candidates that were too many
    screen_auc: float  # of the judges, artifact from normal, each on its whole half
    confirm_auc: float

    @property
    def tried(self) -> int:
        """Candidates screened."""
        return len({(e.units, e.way) for e in self.effects if e.half == SCREEN})

    @property
    def most(self) -> int:
        """Units edited of one layer, at most."""
        return max(e.most for e in self.effects)


@dataclass(frozen=True)
class Finding:
    """What holds of one kind of artifacts ("": all), and the best effect that was confirmed."""

    kind: str
    verdict: str  # MOVED, NONE, UNDECIDED, UNTOLD
    best: Effect


def findings(survey: Survey) -> list[Finding]:
    """What was found of each kind, on the half that nothing was picked on."""
    kept = [effect for effect in survey.effects if effect.half == CONFIRM]
    found = []
    for kind in dict.fromkeys(effect.kind for effect in kept):
        mine = [effect for effect in kept if effect.kind == kind]
        best = max(mine, key=lambda e: e.effect)
        found.append(Finding(kind, _verdict(survey, mine, best), best))
    return found


def _verdict(survey: Survey, confirmed: Sequence[Effect], best: Effect) -> str:
    needed = survey.least * best.gap
    if min(survey.screen_auc, best.auc) < ABLE or best.gap < WIDE:
        return UNTOLD
    if best.low >= needed:
        return MOVED
    return NONE if max(e.high for e in confirmed) < needed else UNDECIDED


def sentence(survey: Survey, found: Finding) -> str:
    """A finding in one plain sentence."""
    whose = f"artifacts of the kind {found.kind}" if found.kind else "these artifacts"
    best, most = found.best, f"{survey.most} units a layer"
    if found.verdict == UNTOLD:
        told = f"AUC {survey.screen_auc:.2f} where screened; where confirmed {best.auc:.2f}"
        return (
            f"Nothing can be said of {whose}: a judge hardly tells them from normals "
            f"({told}, the gap {best.gap:.2f})."
        )
    closed = (
        f"{edited(best)}; that closes {best.effect:.2f} [{best.low:.2f}, {best.high:.2f}] of the "
        f"{best.gap:.2f} by which the judge tells them from normal generations"
    )
    if found.verdict == MOVED:
        return f"Units move {whose}: {closed}."
    if found.verdict == NONE:
        left = f" {survey.left_out:,} candidates were left out." if survey.left_out else ""
        return f"No unit set of at most {most} moves {whose}: the best, {closed}.{left}"
    return f"Undecided whether a unit set of at most {most} moves {whose}: the best, {closed}."


def edited(effect: Effect) -> str:
    """The units of an effect, counted where there are many, and what is done to them."""
    units: Mapping[str, Sequence[int]] = json.loads(effect.units)
    count, names = sum(map(len, units.values())), list(units)
    if count == 1:
        which = f"unit {units[names[0]][0]} of {names[0]}"
    elif count <= NAMED:
        each = (f"{layer} ({', '.join(map(str, mine))})" for layer, mine in units.items())
        which = f"units of {', '.join(each)}"
    else:
        which = f"{count} units of {' … '.join(dict.fromkeys((names[0], names[-1])))}"
    by = "" if effect.proposed == UNIT else f" by {effect.proposed}"
    return f"{which}{by}, {WORDS[effect.way]}"


def write_survey(path: Path, survey: Survey) -> None:
    """Write the table ``survey``."""
    columns = {f.name: [getattr(e, f.name) for e in survey.effects] for f in fields(Effect)}
    names = [f.name for f in fields(Survey) if f.name != "effects"]
    notes = {name: f"{getattr(survey, name):.7g}" for name in names}
    write_table(path, "survey", columns, notes)


def read_survey(path: Path) -> Survey:
    """The table ``survey``."""
    table = read_table(path, "survey")
    notes = metadata_of(table)
    try:
        values = {f.name: float(notes[f.name]) for f in fields(Survey) if f.name != "effects"}
    except (KeyError, ValueError):
        raise UserError(f"{path}: does not say how it was made; make it anew") from None
    left_out = int(values.pop("left_out"))
    return Survey([Effect(**row) for row in table.to_pylist()], left_out=left_out, **values)
