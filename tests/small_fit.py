"""The step fit_corrections on what ``small_known`` wrote."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result
from small_known import PATHS

from steps.fit_corrections import main


def fit(folder: Path, out: str, **changed: str) -> Result:
    """Fit into ``out``; an option of several words is a list of values."""
    options = {"artifacts": "2", "normals": "2", "harm": "0.0", "budget": "8", "ranking": "fixed"}
    options |= changed
    line = [f"--{name}={folder / name}" for name in PATHS if name != "scores"]
    line += [f"--scores={folder / 'scores' / options['ranking']}.parquet"]
    line += [f"--out={folder / out}", "--device=cpu", "--threads=1", "--batch=4"]
    line += ["--precision=float32", "--no-channels_last"]
    pairs = [(name, value) for name, values in options.items() for value in values.split()]
    line += [text for name, value in pairs for text in (f"--{name}", value)]
    return CliRunner().invoke(main, line)
