"""What a step leaves beside each output: which bytes it is, and what they were made of.

``OUT.manifest.json`` lies beside the file or folder ``OUT``. It is marked unfinished before the
output appears and completed last, so an output whose step was killed is never taken for whole.
Nothing in it says when, in which folder or how fast: equal runs on equal machines have equal ones.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from artifact_units.errors import UserError
from artifact_units.files.json_text import parsed
from artifact_units.files.storage import TEMPORARY, sha256_of, write_text

SUFFIX = ".manifest.json"
VERSION = 1
# They decide bytes. All that are installed, not those that a step has imported: a stage that only
# gathers what its shards made has the same manifest.
TOOLS = ("numba", "numpy", "pillow", "pyarrow", "safetensors", "torch", "torch-fidelity")
TOOLS += ("torchvision",)

Hashes = Mapping[Path, str]

_noted: list[list[str]] = []


def manifest_of(path: Path) -> Path:
    """Where the manifest of an output lies."""
    return path.with_name(path.name + SUFFIX)


def hashes_of(path: Path) -> dict[Path, str]:
    """The sha256 of a file, or of every file of a folder that is data, in order."""
    return {file: sha256_of(file) for file in files_of(path)}


def files_of(path: Path) -> list[Path]:
    """The file itself, or a folder's files but manifests, temporaries and names with a dot."""
    return sorted(_walk(path)) if path.is_dir() else [path]


def digest_of(path: Path, hashes: Hashes) -> str:
    """One sha256 for an input: a file's own, or that of the names and sha256 in a folder."""
    if path in hashes:
        return hashes[path]
    lines = [f"{file.relative_to(path).as_posix()} {sha}\n" for file, sha in hashes.items()]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def mark_unfinished(path: Path) -> None:
    """Say that the output at ``path`` is being replaced."""
    write_text(manifest_of(path), _text({"manifest": VERSION, "unfinished": True}))


@contextmanager
def noting() -> Iterator[list[str]]:
    """Within the block, what is noted comes into this list."""
    lines: list[str] = []
    _noted.append(lines)
    try:
        yield lines
    finally:
        _noted.remove(lines)


def note(line: str) -> None:
    """Have the manifests of this run say, once, which GPU it ran on or what it did otherwise."""
    for lines in _noted:
        if line not in lines:
            lines.append(line)


def write_manifest(
    path: Path,
    step: str,
    inputs: Mapping[str, str],
    parameters: Any,
    notes: Sequence[str] = (),
) -> None:
    """Complete the manifest of the output at ``path``.

    ``inputs`` are the digests of what was read, by option; ``parameters`` are plain values.
    """
    hashes = hashes_of(path)
    files = {_key(file, path): _described(file, sha) for file, sha in hashes.items()}
    content = {
        "manifest": VERSION,
        "step": step,
        "parameters": parameters,
        "inputs": dict(inputs),
        "files": files,
        "tools": _versions(),
    }
    content |= {"notes": list(notes)} if notes else {}
    write_text(manifest_of(path), _text(content))


def verify(path: Path, hashes: Hashes) -> None:
    """A UserError in one line if an input is not what the manifests that cover it say.

    Those are its own and its parents', or else those within it. What has none came from outside.
    """
    covering = _covering(path)
    if not covering and path.is_dir():
        covering = sorted(path.rglob(f"[!.]*{SUFFIX}"))
    said = {manifest: content for manifest in covering if (content := _read(manifest))}
    expected: dict[Path, str] = {}
    for manifest, content in said.items():
        for name, file in content["files"].items():
            found = manifest.parent / name
            if path in (found, *found.parents):
                expected[found] = file["sha256"]
    if said:
        _compare(expected, hashes, said)


def made_from(path: Path, option: str) -> str | None:
    """The digest of what the step that made ``path`` read as ``option``; None: not known."""
    said = filter(None, map(_read, _covering(path)))
    return next((digest for s in said if (digest := s["inputs"].get(option))), None)


def _covering(path: Path) -> list[Path]:
    """The manifests of a path and of the folders that it lies in, the nearest first."""
    above = (manifest_of(place) for place in (path, *_parents(path)) if place.name)
    return [manifest for manifest in above if manifest.is_file()]


def _compare(expected: Hashes, hashes: Hashes, said: Mapping[Path, Any]) -> None:
    for file in sorted({*expected, *hashes}):
        wanted, found = expected.get(file), hashes.get(file)
        if wanted == found:
            continue
        if found is None:
            wrong = "is missing"
        elif wanted is None:
            wrong = "is in no manifest, unlike what lies beside it"
        else:
            wrong = f"has sha256 {found[:12]}, its manifest says {wanted[:12]}"
        steps = ", ".join(sorted({content["step"] for content in said.values()}))
        todo = f"delete it and `dvc checkout`, or make it anew (step {steps})"
        raise UserError(f"{file}: {wrong}; {todo}")


def _read(path: Path) -> dict[str, Any] | None:
    """A complete manifest; None where a file of that name is something else."""
    try:
        content = parsed(path.read_bytes())
    except ValueError:
        raise UserError(f"{path}: cut short; make what it describes anew") from None
    if not isinstance(content, dict) or "manifest" not in content:
        return None
    output = str(path).removesuffix(SUFFIX)
    if content.get("unfinished"):
        raise UserError(f"{output}: the step that writes it was stopped; run that again")
    if content["manifest"] != VERSION:
        raise UserError(f"{path}: version {content['manifest']}, not {VERSION}; make it anew")
    return content


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and not name.endswith((SUFFIX, TEMPORARY)):
                yield Path(place, name)


def _parents(path: Path) -> list[Path]:
    """Every folder that a path lies in, relative ones below the working folder only."""
    return [place for place in path.parents if place.name]


def _key(file: Path, output: Path) -> str:
    return file.relative_to(output.parent).as_posix()


def _described(file: Path, sha256: str) -> dict[str, Any]:
    known = {"bytes": file.stat().st_size, "sha256": sha256}
    return known | (_table(file) if file.suffix == ".parquet" else {})


def _table(file: Path) -> dict[str, str]:
    import pyarrow.parquet as pq

    notes = pq.read_schema(file).metadata or {}
    names = {"table": b"artifact_units.table", "schema": b"artifact_units.version"}
    return {name: notes[key].decode() for name, key in names.items() if key in notes}


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for tool in TOOLS:
        try:
            found[tool] = version(tool)
        except PackageNotFoundError:
            continue
    return found


def _text(content: Any) -> str:
    return json.dumps(content, indent=1, sort_keys=True) + "\n"
