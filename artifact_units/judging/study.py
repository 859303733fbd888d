"""Which pairs are judged, in which order, with what on the left; and the pictures of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from artifact_units.errors import UserError
from artifact_units.files.storage import sha256_of
from artifact_units.images.shards import shards_of
from artifact_units.judging.judgements import KINDS, Pair
from artifact_units.serving import Pictures


@dataclass(frozen=True)
class Trial:
    """A pair as one rater sees it."""

    pair: Pair
    left: str  # before, after


def choose_pairs(
    ids: Mapping[str, Iterable[int]], counts: Mapping[str, int], seed: int
) -> list[Pair]:
    """Of every kind as many pairs as ``counts`` says, or all that there are, drawn by ``seed``."""
    return [
        Pair(kind, i)
        for kind, count in counts.items()
        for i in sorted(ids[kind], key=lambda i: _draw(seed, "pair", kind, i))[:count]
    ]


def trials_of(pairs: Iterable[Pair], rater: str, seed: int) -> list[Trial]:
    """The pairs in a rater's own order; of each kind the correction is left in every second."""
    found = []
    for kind in KINDS:
        mine = [pair for pair in pairs if pair.kind == kind]
        mine.sort(key=lambda p: _draw(seed, "side", rater, p.kind, p.id))
        first = int.from_bytes(_draw(seed, "first", rater, kind)) % 2
        found += [Trial(p, ("before", "after")[(n + first) % 2]) for n, p in enumerate(mine)]
    return sorted(found, key=lambda t: _draw(seed, "order", rater, t.pair.kind, t.pair.id))


class Study:
    """The image sets of a correction, folders with ``artifacts`` and ``normals``.

    ``name`` is the sha256 of every image that can be shown: judgements of other images are other
    judgements. A UserError where the sets are not of the same generations.
    """

    def __init__(self, before: Path, after: Path, control: Path | None) -> None:
        if len({folder.resolve() for folder in (before, after, control) if folder}) < (
            3 if control else 2
        ):
            raise UserError(f"{after}: before, after and the control are three corrections")
        self.correction = after.resolve().name
        folders = {
            ("artifacts", "before"): before / "artifacts",
            ("artifacts", "after"): after / "artifacts",
            ("normals", "before"): before / "normals",
            ("normals", "after"): after / "normals",
        }
        if control is not None:
            folders["control", "after"] = control / "artifacts"
        sets = {place: Pictures(folder) for place, folder in folders.items()}
        _check(sets, before)
        first = sets["artifacts", "before"]
        self.px = first.px
        self._sets = sets | {("identical", side): first for side in ("before", "after")}
        self._sets["control", "before"] = first
        self.ids = {kind: self._sets[kind, "after"].ids for kind in KINDS if self._has(kind)}
        self.name = _digest(folders)

    def _has(self, kind: str) -> bool:
        return (kind, "after") in self._sets

    def png(self, pair: Pair, side: str) -> bytes:
        """One picture. Both are made ready: the time it takes says nothing of which it is."""
        both = {one: self._sets[pair.kind, one].png(pair.id) for one in ("before", "after")}
        return both[side]


def _check(sets: Mapping[tuple[str, str], Pictures], before: Path) -> None:
    artifacts = sets["artifacts", "before"]
    if not artifacts.ids:
        raise UserError(f"{before}: holds no artifact generation, so there is nothing to judge")
    for (kind, _), pictures in sets.items():
        wanted = sets.get((kind, "before"), artifacts)
        if set(pictures.ids) != set(wanted.ids) or pictures.px != artifacts.px:
            raise UserError(
                f"{pictures.folder}: not the generations of {wanted.folder}; "
                "correct_generations writes both"
            )


def _digest(folders: Mapping[tuple[str, str], Path]) -> str:
    facts: Sequence[str] = [
        f"{'/'.join(place)} {sha256_of(shard)}"
        for place, folder in folders.items()
        for shard in shards_of(folder)
    ]
    return sha256("\n".join(facts).encode()).hexdigest()


def _draw(*facts: object) -> bytes:
    """A number that nobody guesses, the same at every start."""
    return sha256(repr(facts).encode()).digest()[:8]
