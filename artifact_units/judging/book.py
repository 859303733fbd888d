"""Every judgement of a file, kept in memory and in the file at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from artifact_units.errors import UserError
from artifact_units.judging.judgements import Answers, Judgement, Pair, read_judgements, record_of
from artifact_units.judging.study import Study, Trial, trials_of
from artifact_units.serving import Journal, Missing


class Book:
    """The judgements of one study. A UserError where the file holds another one's."""

    def __init__(self, journal: Journal, study: Study, pairs: Sequence[Pair], seed: int) -> None:
        self.journal = journal
        self.study = study
        self.pairs = list(pairs)
        self.seed = seed
        self._trials: dict[str, list[Trial]] = {}
        self._judged: dict[str, dict[Pair, None]] = {}  # by rater, the last judged last
        for judgement in read_judgements(journal.path):
            if judgement.study != study.name:
                raise UserError(
                    f"{journal.path}: its judgements are of other images (study "
                    f"{judgement.study[:8]}, these are {study.name[:8]}); name another file"
                )
            self._remember(judgement)

    def trial(self, rater: str, number: int) -> Trial:
        """The ``number``-th of a rater, from 0; raises Missing."""
        trials = self._trials_of(rater)
        if number >= len(trials):
            raise Missing(f"pair {number} is not here; there are {len(trials)}")
        return trials[number]

    def waiting(self, rater: str) -> Iterator[int]:
        """The numbers of the pairs that a rater has yet to judge, in order."""
        judged = self._judged.get(rater, {})
        trials = enumerate(self._trials_of(rater))
        return (number for number, trial in trials if trial.pair not in judged)

    def judged(self, rater: str) -> int:
        """How many of the pairs a rater has judged."""
        return len(self._judged.get(rater, {}).keys() & set(self.pairs))

    def give(self, rater: str, number: int, answers: Answers) -> None:
        """Write a judgement; it is on the disk when this returns."""
        self._write(rater, self.trial(rater, number), answers)

    def undo(self, rater: str) -> int | None:
        """Take a rater's last judgement back, and say of which number; None: there is none."""
        numbers = {trial.pair: number for number, trial in enumerate(self._trials_of(rater))}
        here = [pair for pair in self._judged.get(rater, {}) if pair in numbers]
        if not here:
            return None
        number = numbers[here[-1]]
        self._write(rater, self.trial(rater, number), None)
        return number

    def _write(self, rater: str, trial: Trial, answers: Answers | None) -> None:
        study = self.study
        said = Judgement(study.name, study.correction, trial.pair, rater, trial.left, answers)
        self.journal.append(record_of(said))
        self._remember(said)

    def _remember(self, judgement: Judgement) -> None:
        judged = self._judged.setdefault(judgement.rater, {})
        judged.pop(judgement.pair, None)
        if judgement.answers:
            judged[judgement.pair] = None

    def _trials_of(self, rater: str) -> list[Trial]:
        if rater not in self._trials:
            self._trials[rater] = trials_of(self.pairs, rater, self.seed)
        return self._trials[rater]
