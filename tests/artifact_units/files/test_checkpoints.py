"""Whatever torch would unpickle comes in through one door (tests/parity tests the door itself)."""

from __future__ import annotations

import re

from house import ROOT, SOURCES

DOOR = {
    "benchmarks/fuzzing.py",
    "artifact_units/files/checkpoints.py",
    "artifact_units/files/restricted_pickle.py",
}
UNPICKLING = re.compile(
    r"torch\.load\(|jit\.load\(|hub\.load|load_url\(|\bpickle\.|Unpickler|allow_pickle|"
    r"(import|from) (pickle|dill|joblib|shelve|cloudpickle)\b"
)


def test_only_the_door_unpickles():
    more = [f for folder in ("workflow", "benchmarks") for f in (ROOT / folder).rglob("*.py")]
    found = {
        str(path.relative_to(ROOT))
        for path in [*SOURCES, *more]
        if UNPICKLING.search(path.read_text(encoding="utf-8"))
    }
    assert found == DOOR
