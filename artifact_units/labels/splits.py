"""Labels fit to train on, and their split: what trains, what chooses, what is only counted."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from artifact_units.errors import UserError
from artifact_units.labels.verdicts import Verdict

SPLITS = ("train", "validation", "test")
SHOWN = 12  # digits of a checksum in a message


def check_checkpoint(verdicts: Iterable[Verdict], checkpoint: str, source: Path) -> None:
    """Refuse verdicts on another checkpoint: its generation of the same id is another image."""
    for verdict in verdicts:
        if verdict.checkpoint != checkpoint:
            raise UserError(
                f"{source}: generation {verdict.id} was labelled on checkpoint "
                f"{verdict.checkpoint[:SHOWN]}, this generator is {checkpoint[:SHOWN]}; "
                f"label its own generations"
            )


def check_labels(labels: Sequence[str], least: int, source: Path) -> None:
    """Refuse labels that no classifier can be trained on."""
    if not labels:
        raise UserError(f"{source}: holds no settled label; label some generations first")
    counts = Counter(labels)
    if not counts["artifact"]:
        raise UserError(f"{source}: none of {len(labels)} labels is artifact; label until some are")
    if not counts["normal"]:
        raise UserError(f"{source}: all {len(labels)} labels are artifact; label normal ones too")
    for label in ("artifact", "normal"):
        if counts[label] < least:
            raise UserError(
                f"{source}: {counts[label]} generations are labelled {label}, "
                f"label_generations.least is {least}; label more"
            )


def stratified(
    ids: Sequence[int] | np.ndarray,
    labels: Sequence[str],
    *,
    validation: float,
    test: float,
    seed: int,
) -> list[str]:
    """A split for every id: the same shares (rounded) of every label, drawn by ``seed``.

    An id's place in the draw depends on the seed and the id alone, so that one more label moves
    those at the borders of the shares and no other.
    """
    if validation + test >= 1:
        raise UserError(f"validation {validation:g} + test {test:g} leaves nothing to train on")
    splits = ["train"] * len(labels)
    for label in sorted(set(labels)):
        rows = [row for row, own in enumerate(labels) if own == label]
        rows.sort(key=lambda row: _draw(seed, int(ids[row])))
        tests, validations = round(test * len(rows)), round(validation * len(rows))
        for place, row in enumerate(rows[: tests + validations]):
            splits[row] = "test" if place < tests else "validation"
    return splits


def _draw(seed: int, generation: int) -> bytes:
    return hashlib.sha256(f"{seed}:{generation}".encode()).digest()
