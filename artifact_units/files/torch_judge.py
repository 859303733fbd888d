"""Whether a file that ``torch.save`` wrote may be opened: its pickles, its storages, its zip.

torch itself believes what a file says of a storage's length, and reads past its end.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

from artifact_units.errors import UserError
from artifact_units.files.pickle_judge import Node, Opened, Refused, judge, nodes

LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # pickled magic number, before torch 1.6
LEGACY_PICKLES = 5  # magic number, protocol, system, the object, the keys of its storages
UNPACKED = 4  # times the file: torch stores without compression
SPARE = 1 << 20  # bytes more
# What zipfile raises of damaged archives, and of encrypted ones (RuntimeError).
DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError)
DAMAGED += (RuntimeError, LookupError)
WIDTHS = {"Double": 8, "Float": 4, "Half": 2, "Long": 8, "Int": 4, "Short": 2, "BFloat16": 2}
WIDTHS |= {"ComplexDouble": 16, "ComplexFloat": 8, "QInt32": 4}  # bytes of a value; of others 1


def judge_bytes(raw: bytes) -> None:
    """Refused where the bytes of a torch file within a pickle may not be opened."""
    if raw.startswith(LEGACY):
        judge_legacy(io.BytesIO(raw), len(raw))
    elif raw.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            _judge_archive(archive, len(raw))
    else:
        raise Refused("bytes in it are no torch file")


def judge_legacy(file: Opened, size: int) -> None:
    """Refused where a file of before torch 1.6 may not be opened."""
    roots = [judge(file, size) for _ in range(LEGACY_PICKLES)]
    lengths = {key: width for root in roots for key, width in _storages(root)}
    if sum(lengths.values()) > size:
        raise Refused(f"its storages would be {sum(lengths.values())} bytes of a file of {size}")


def judge_zip(path: Path) -> None:
    """A UserError where a zip file is damaged, not torch's, or may not be opened."""
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            _judge_archive(archive, size)
            broken = archive.testzip()
    except Refused as refusal:
        raise UserError(f"{path}: {refusal}") from None
    except DAMAGED as error:
        said = f"not a readable checkpoint ({size} bytes, {error}); cut short?"
        raise UserError(f"{path}: {said}") from None
    if broken:
        raise UserError(f"{path}: damaged: {broken} does not fit its CRC; fetch the file again")


def _judge_archive(archive: zipfile.ZipFile, size: int) -> None:
    sizes = {info.filename: info.file_size for info in archive.infolist()}
    if sum(sizes.values()) > UNPACKED * size + SPARE:
        raise Refused(
            f"it unpacks to {sum(sizes.values())} bytes from {size}; torch stores without "
            "compression: save it again with torch.save"
        )
    if any(name.endswith("/constants.pkl") or "/code/" in name for name in sizes):
        raise Refused("a TorchScript archive; give the state dict of its generator")
    if any(name.endswith(("archive_format", "serialized_exported_program.json")) for name in sizes):
        raise Refused("a program of torch.export; give the state dict of its generator")
    pickles = [name for name in sizes if name.endswith("/data.pkl")]
    if not pickles:
        raise Refused("a zip file, but not one that torch.save wrote")
    for name in pickles:
        root = judge(io.BytesIO(archive.read(name)), sizes[name])
        folder = name.removesuffix("data.pkl")
        for key, length in _storages(root):
            there = sizes.get(f"{folder}data/{key}", 0)
            if length > there:
                raise Refused(f"storage {key} in it would be {length} bytes of {there}")


def _storages(root: Node) -> list[tuple[str, int]]:
    """The key and the length in bytes of each storage that a pickle names."""
    found = []
    for node in nodes(root):
        fields = node.parts[0].parts if node.by.endswith("PERSID") and node.parts else []
        if len(fields) >= 5:
            kind = str(fields[1].value).rpartition(" ")[2].removesuffix("Storage")
            found.append((str(fields[2].value), fields[4].value * WIDTHS.get(kind, 1)))
    return found
