"""Outputs of rankings and corrections that params.yaml no longer names: they would be rows."""

from __future__ import annotations

import shutil
from pathlib import Path

from artifact_units.files.manifests import SUFFIX
from steps.making.parameters import Params


def remove_unnamed(results: Path, params: Params) -> list[Path]:
    """Take them away, and their manifests; DVC's cache keeps what it recorded.

    What has no manifest beside it is of no step, and stays.
    """
    corrections = set(params.correct_generations.corrections)
    named = {
        "score_units": set(params.score_units.rankings),
        "correct_generations": corrections,
        "extract_features": corrections,
    }
    removed = []
    for stage, names in named.items():
        for manifest in sorted((results / stage).glob(f"*{SUFFIX}")):
            output = manifest.with_name(manifest.name.removesuffix(SUFFIX))
            if output.name.removesuffix(".parquet") not in names:
                _remove(output)
                manifest.unlink()
                removed.append(output)
    return removed


def _remove(output: Path) -> None:
    if output.is_dir() and not output.is_symlink():
        shutil.rmtree(output)
    else:
        output.unlink(missing_ok=True)
