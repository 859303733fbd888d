"""Checkpoints that nobody would write: pickles by a grammar, bytes flipped, cut and swapped."""

from __future__ import annotations

import io
import pickle
import random
import struct
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save

from artifact_units.errors import UserError
from artifact_units.files.checkpoints import read_checkpoint

GLOBALS = (b"ctorch._utils\n_rebuild_tensor_v2\n", b"ccollections\nOrderedDict\n")
GLOBALS += (b"cbuiltins\nset\n", b"cdnnlib.util\nEasyDict\n", b"cos\nsystem\n", b"cnumpy\ndtype\n")
GLOBALS += (b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n", b"ctorch\nFloatStorage\n")
PLAIN = (b"N", b"\x88", b"K\x05", b"M\xff\xff", b"]", b"}", b")", b"\x8f", b"(", b"C\x02ab")
PLAIN += (b"X\x01\x00\x00\x00a", b"X\x0a\x00\x00\x00class_name", b"X\x05\x00\x00\x00state")
PLAIN += (b"G?\xf0\x00\x00\x00\x00\x00\x00",)
MAKING = (b"0", b"2", b"a", b"e", b"s", b"u", b"t", b"\x85", b"\x86", b"\x87", b"R", b"b", b"Q")
MAKING += (b"\x90", b"1")


def inputs(count: int, seed: int) -> Iterator[bytes]:
    """So many files, the same for the same seed."""
    draw = random.Random(seed)
    good = _good()
    for number in range(count):
        yield (_grammar, _flipped, _cut, _swapped)[number % 4](draw, good)


def outcome(raw: bytes, path: Path) -> str:
    """``read``, ``refused`` (a UserError of one line), or what was raised."""
    path.write_bytes(raw)
    try:
        read_checkpoint(path)
    except UserError as error:
        return "refused" if "\n" not in str(error) else "more than one line"
    except BaseException as error:
        return type(error).__name__
    return "read"


def _good() -> list[bytes]:
    tree = {"g_ema": {f"layer.{n}.weight": torch.full((3, n + 1), float(n)) for n in range(6)}}
    found = [save(tree["g_ema"])]
    for zipped in (True, False):
        buffer = io.BytesIO()
        torch.save(tree, buffer, _use_new_zipfile_serialization=zipped)
        found.append(buffer.getvalue())
    return [*found, pickle.dumps({"G": [1, "x", (2, 3)]}, 4)]


def _grammar(draw: random.Random, _good: list[bytes]) -> bytes:
    parts = [b"\x80\x04"]
    for _ in range(draw.randint(1, 60)):
        kind = draw.random()
        if kind < 0.4:
            parts.append(draw.choice(PLAIN))
        elif kind < 0.8:
            parts.append(draw.choice(MAKING))
        elif kind < 0.9:
            parts.append(draw.choice((b"h", b"q")) + bytes([draw.randint(0, 9)]))
        elif kind < 0.95:
            parts.append(b"r" + struct.pack("<I", draw.choice((0, 7, 1 << 20, (1 << 32) - 1))))
        else:
            parts.append(draw.choice(GLOBALS))
    return b"".join([*parts, b"."])


def _flipped(draw: random.Random, good: list[bytes]) -> bytes:
    raw = bytearray(draw.choice(good))
    for _ in range(draw.randint(1, 4)):
        raw[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
    return bytes(raw)


def _cut(draw: random.Random, good: list[bytes]) -> bytes:
    raw = draw.choice(good)
    return raw[: draw.randrange(1, len(raw))]


def _swapped(draw: random.Random, good: list[bytes]) -> bytes:
    """A run of bytes of one good file within another: lengths and indices that are too large."""
    raw, other = bytearray(draw.choice(good)), draw.choice(good)
    length = draw.randint(1, 16)
    to, start = draw.randrange(len(raw)), draw.randrange(len(other))
    raw[to : to + length] = draw.choice((other[start : start + length], b"\xff" * length))
    return bytes(raw)
