"""The choice of a correction without a truth, among those that were fitted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from artifact_units.corrections.correction import Correction, read_corrections
from artifact_units.corrections.judge import Judged, least_change, read_costs
from artifact_units.errors import UserError
from artifact_units.files.json_text import parsed


@dataclass(frozen=True)
class Fitted:
    """A correction as ``fit_corrections`` left it; of a random ranking, the first repeat."""

    name: str
    correction: Correction
    judged: Judged


def read_fitted(folder: Path, names: Sequence[str], harm: float) -> list[Fitted]:
    """The fitted corrections of these names."""
    return [
        Fitted(
            name,
            read_corrections(folder / name / "edits.json"),
            read_costs(folder / name / "costs.parquet", harm),
        )
        for name in names
    ]


def chosen(fitted: Sequence[Fitted]) -> Fitted:
    """The best by ``judge.least_change`` of those that a checkpoint can hold.

    The row without a correction is one of them: it is chosen where none is better beyond noise.
    """
    known = [f for f in fitted if fits_checkpoint(f.correction)]
    if not known:
        raise UserError("no correction fits in a checkpoint: each has a gate or edits latents")
    return known[least_change([f.judged for f in known])]


def fits_checkpoint(correction: Correction) -> bool:
    """Whether a correction is edits of layers alone, without a classifier's gate."""
    return correction.latent is None and not correction.gate and correction.tries == 1


def text_of(best: Fitted) -> str:
    """The choice as JSON."""
    return json.dumps({"correction": best.name}) + "\n"


def read_choice(path: Path) -> str:
    """The name of the correction chosen."""
    return parsed(path.read_text(encoding="utf-8"))["correction"]
