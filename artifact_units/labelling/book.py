"""Every verdict of a labels file, kept in memory and in the file at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from artifact_units.labels.splits import check_checkpoint
from artifact_units.labels.verdicts import Verdict, finals, latest, read_verdicts, record_of
from artifact_units.serving import Journal, Missing


@dataclass(frozen=True)
class Progress:
    """How far one rater is, and all of them together."""

    labelled: int  # generations with a verdict, anybody's
    total: int
    yours: int
    artifacts: int  # of yours
    decided: int  # of yours: artifact or normal


class Book:
    """The verdicts on the generations ``order`` of one checkpoint.

    ``overlap`` is the share of generations that every rater is shown; each of the others is shown
    until somebody has labelled it. A UserError where the file holds another checkpoint's verdicts.
    """

    def __init__(
        self, journal: Journal, checkpoint: str, order: Sequence[int], overlap: float
    ) -> None:
        self.journal = journal
        self.checkpoint = checkpoint
        self.order = list(order)
        self._place = {generation: place for place, generation in enumerate(self.order)}
        self.shared = frozenset(i for i in order if _draw(i) < overlap)
        verdicts = read_verdicts(journal.path)
        check_checkpoint(verdicts, checkpoint, journal.path)
        self.given = latest(verdicts)
        self.final = finals(verdicts)
        self._history: dict[str, list[int]] = {}  # rater -> what was labelled, the last one last
        self._kinds: dict[str, None] = {}  # as an ordered set: their keys stay where they are
        for v in verdicts:
            self._remember(v)

    @property
    def raters(self) -> list[str]:
        """Everybody with a verdict that counts, by name."""
        return sorted({rater for by_rater in self.given.values() for rater in by_rater})

    @property
    def kinds(self) -> list[str]:
        """Every kind that a verdict named since the file began, the first one first."""
        return list(self._kinds)

    def give(self, verdict: Verdict) -> None:
        """Write a verdict; it is on the disk when this returns."""
        if verdict.id not in self._place:
            raise Missing(f"generation {verdict.id} is not here; there are {len(self.order)}")
        self.journal.append(record_of(verdict))
        self._remember(verdict)
        if verdict.final:
            self.final.pop(verdict.id, None)
            self.final |= finals([verdict])
            return
        by_rater = self.given.setdefault(verdict.id, {})
        by_rater.pop(verdict.rater, None)
        if verdict.verdict != "undo":
            by_rater[verdict.rater] = verdict

    def undo(self, rater: str) -> int | None:
        """Take a rater's last verdict back, and say of which generation it was; None: of none."""
        if not self._history.get(rater):
            return None
        generation = self._history[rater][-1]
        self.give(Verdict(generation, self.checkpoint, rater, "undo"))
        return generation

    def verdict(self, generation: int, rater: str) -> Verdict | None:
        """What a rater said of a generation."""
        return self.given.get(generation, {}).get(rater)

    def waiting(self, rater: str, after: int | None = None) -> Iterator[int]:
        """What a rater has yet to label: from behind ``after`` to the end, then from the start."""
        start = 0 if after is None else self._place.get(after, -1) + 1
        for generation in (*self.order[start:], *self.order[:start]):
            by_rater = self.given.get(generation, {})
            if rater not in by_rater and (generation in self.shared or not by_rater):
                yield generation

    def neighbours(self, generation: int) -> tuple[int, int]:
        """The generations before and after one, in a circle."""
        place = self._place[generation]
        return self.order[place - 1], self.order[(place + 1) % len(self.order)]

    def progress(self, rater: str) -> Progress:
        """The counts that the page shows."""
        # What another set of images has labels of, in the same file, is not counted here.
        here = {i: by_rater for i, by_rater in self.given.items() if i in self._place and by_rater}
        mine = [by_rater[rater].verdict for by_rater in here.values() if rater in by_rater]
        artifacts = mine.count("artifact")
        return Progress(
            labelled=len(here),
            total=len(self.order),
            yours=len(mine),
            artifacts=artifacts,
            decided=artifacts + mine.count("normal"),
        )

    def _remember(self, verdict: Verdict) -> None:
        self._kinds |= dict.fromkeys(verdict.kinds)
        if verdict.final or verdict.id not in self._place:
            return
        history = self._history.setdefault(verdict.rater, [])
        if verdict.id in history:
            history.remove(verdict.id)
        if verdict.verdict != "undo":
            history.append(verdict.id)


def most_uncertain_first(ids: Iterable[int], margins: dict[int, float]) -> list[int]:
    """By |logit of artifact - logit of normal|, rising; what no classifier saw comes last."""
    known = {i: (abs(margins[i]) if i in margins else float("inf"), i) for i in ids}
    return sorted(known, key=known.__getitem__)


def _draw(generation: int) -> float:
    """A number in [0, 1) that depends on the id alone: the overlap is the same at every start."""
    return int.from_bytes(sha256(b"overlap %d" % generation).digest()[:8]) / 2**64
