"""The section of what a run used: inputs and outputs by their hashes, every parameter."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from artifact_units.files.manifests import digest_of
from artifact_units.files.storage import sha256_of
from artifact_units.report.data import Results

LIBRARIES = ("torch", "torchvision", "torch-fidelity", "numpy", "pillow", "matplotlib", "pyarrow")


def section(results: Results) -> dict[str, Any]:
    """Hashes of inputs and outputs as the manifests have them, values, versions of libraries."""
    params = results.params
    paths = params["inputs"] | {"extractor": params["extract_features"]["weights"]}
    notes = {note for m in results.manifests.values() for note in m.get("notes", ())}
    read = {k: v for m in results.manifests.values() for k, v in m["inputs"].items()}
    return {
        "inputs": [
            {"name": name, "path": path, "sha256": _hash(Path(path)) or read.get(name, "")}
            for name, path in paths.items()
        ],
        "outputs": [
            {"name": content["step"], "path": f"results/{path}", "sha256": _digest(path, content)}
            for path, content in results.manifests.items()
        ],
        "parameters": [
            (name, _flat(values)) for name, values in params.items() if name != "inputs"
        ],
        "notes": sorted(notes),
        "portable": params["run"]["portable"] and not notes,
        "versions": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
    }


def _hash(path: Path) -> str:
    return sha256_of(path) if path.is_file() else ""


def _digest(path: str, content: Mapping[str, Any]) -> str:
    """One sha256 of an output, as the manifest of what was made of it has it among its inputs."""
    output = Path(path)
    hashes = {output.parent / name: file["sha256"] for name, file in content["files"].items()}
    return digest_of(output, dict(sorted(hashes.items())))


def _flat(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Nested values as lines: ``rankings.random`` -> ``ranking random_order, repeats 5``."""
    lines = []
    for key, value in values.items():
        if isinstance(value, Mapping) and any(isinstance(v, Mapping) for v in value.values()):
            lines += [(f"{key}.{k}", v) for k, v in _flat(value)]
        elif isinstance(value, Mapping):
            lines.append((key, ", ".join(f"{k} {v}" for k, v in value.items())))
        elif isinstance(value, (list, tuple)):
            lines.append((key, ", ".join(map(str, value))))
        else:
            lines.append((key, str(value) if value != "" else "–"))
    return lines
