"""What can go from the disk: cached files that nothing refers to, shards, stamps, logs; it asks.

Kept is what the workspace, any commit and any experiment refer to. Of files that only a worktree
under .experiments/ or another clone with the same cache refers to nothing is known here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from workflow.experiment import FOLDER
from workflow.graph import SHARDS
from workflow.locks import STAMPS, check_alone
from workflow.status import in_units, size_of

CACHED = ["dvc", "gc", "--workspace", "--all-commits", "--all-experiments", "--force"]
LEFT = (SHARDS, STAMPS, Path("logs"))


def main() -> None:
    """Say what would be freed, ask (or not: YES=1 in the environment), free it."""
    check_alone()
    if FOLDER.is_dir() and any(FOLDER.iterdir()):
        sys.exit(
            f"Error: {FOLDER} holds an experiment under way; end it, or git worktree remove it"
        )
    unused = unused_files()
    size = in_units(sum(file.lstat().st_size for file in unused))
    print(
        f"DVC's cache: {size} in {len(unused)} files of no commit, no experiment, not in use here"
    )
    for place in LEFT:
        print(f"{place}/: {size_of(place)}")
    if os.environ.get("YES") != "1" and not _agreed():
        sys.exit("Nothing was removed.")
    check_alone()  # whoever was asked may have been away
    subprocess.run([*CACHED, "--quiet"], check=True)
    for place in LEFT:
        shutil.rmtree(place, ignore_errors=True)


def unused_files() -> list[Path]:
    """The files that DVC would remove from its cache."""
    said = subprocess.run([*CACHED, "--dry"], capture_output=True, text=True, check=False)
    if said.returncode:
        sys.exit(said.stderr.strip())
    return [Path(path) for path in re.findall(r"^Removing (/.*)$", said.stdout, re.MULTILINE)]


def _agreed() -> bool:
    print("Free this? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() == "y"


if __name__ == "__main__":
    main()
