"""What DVC does not write whole, and so can be torn where it is killed: its record, its lock table.

Nothing can be read from a torn one, so it is taken away. Stages that were recorded there are not
computed again: their outputs are found in the cache.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

CONFLICT = b"\n<<<<<<< "


def mend() -> None:
    """Take away what is torn, and say so; nothing while a DVC is writing."""
    if not torn():  # as nearly always: nothing to ask DVC, whose import takes a second
        return
    from workflow.graph import GraphError, one_line, quiet_repo

    try:
        with one_line(), quiet_repo():
            for path in torn():
                if CONFLICT in path.read_bytes():
                    sys.exit(f"Error: {path} holds a merge conflict; git checkout --ours {path}")
                path.unlink()
                print(f"{path} was torn by a kill and is taken away.", file=sys.stderr)
    except GraphError as error:
        sys.exit(f"Error: {error}")


def torn() -> list[Path]:
    """The files that are there and not whole."""
    return [path for path, whole in WRITTEN.items() if path.exists() and not whole(path)]


def _is_table(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except ValueError:
        return False


def _is_record(path: Path) -> bool:
    # libyaml's loader, where there is one: a fifth of the time that DVC's own takes.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), loader)
    except (yaml.YAMLError, UnicodeDecodeError):
        return False
    return isinstance(found, dict) and isinstance(found.get("stages"), dict)


WRITTEN = {
    Path(".dvc/tmp/rwlock"): _is_table,
    Path("dvc.lock"): _is_record,
    Path("demo/dvc.lock"): _is_record,
}

if __name__ == "__main__":
    mend()
