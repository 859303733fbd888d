"""Hostile files of every kind are refused in one line before anything in them is obeyed."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_fuzz import inputs, outcome

from artifact_units.errors import UserError
from artifact_units.files.checkpoints import read_checkpoint
from artifact_units.files.pickle_judge import Refused, judge

FUZZED = 300  # `python -m benchmarks.fuzzing` tries many more


def judged(raw: bytes) -> None:
    judge(io.BytesIO(raw), len(raw))


def put(index: int) -> bytes:
    return b"r" + struct.pack("<I", index)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\x80\x04N" + put(1 << 29) + b".", "asks for 536870912 places of memory, it has 9 bytes"),
        (b"\x80\x04" + b"]" * 1000 + b"a" * 999 + b".", "nests more than 200 levels deep"),
        (b"\x80\x04})" + b"\x85" * 1000 + b"Ns.", "a key that is built of others"),
        (b"\x80\x04})" + b"2\x86" * 60 + b"Ns.", "a key that is built of others"),
        (b"\x80\x04)" + b"2\x86" * 60 + b".", "grows without end by what it shares"),
        (b"\x80\x04]" + put(0) + b"h\x00a.", "something that holds itself"),
        (b"\x80\x04N", "pickle exhausted before seeing STOP"),
        (b"\x80\x04h\x07.", "its pickle is damaged"),
        (b"\x80\x04NN.", "it leaves no single object"),
        (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b".", "its pickle is damaged"),
        (b"\x80\x04(a.", "its pickle is damaged"),
    ],
)
def test_what_costs_more_than_it_holds_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said):
        judged(raw)


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, None, True, b"x", "y" * 500], ("b", 3): {1, 2}, 7: (1, (2, (3,)))},
        OrderedDict(x=np.float32(2)),
        [list(range(1000))] * 1000,  # shared, not nested
    ],
)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_pickle_writes_of_plain_values_passes(value: object, protocol: int) -> None:
    judged(pickle.dumps(value, protocol))


def altered(path: Path, change) -> Path:
    """A torch file whose data.pkl is ``change`` of what it was."""
    torch.save({"weight": torch.arange(6.0).reshape(2, 3)}, path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in files.items():
            archive.writestr(name, change(raw) if name.endswith("data.pkl") else raw)
    return path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"K\x00K\x02K\x03\x86", b"K\x01K\x02K\x03\x86", "reads value 7 of a storage of 6"),
        (b"K\x02K\x03\x86", b"K\x02K\x07\x86", "reads value 10 of a storage of 6"),
        (b"K\x03K\x01\x86", b"K\x63K\x01\x86", "reads value 102 of a storage of 6"),
        (b"K\x06t", b"K\x60t", "storage 0 in it would be 384 bytes of 24"),
    ],
)
def test_a_tensor_beyond_its_storage_is_refused(tmp_path, old, new, said) -> None:
    def change(raw: bytes) -> bytes:
        assert raw.count(old) == 1
        return raw.replace(old, new)

    with pytest.raises(UserError, match=rf"net\.pth: .*{said}"):
        read_checkpoint(altered(tmp_path / "net.pth", change))


def test_a_tensor_of_far_more_values_than_its_storage_is_refused(tmp_path) -> None:
    torch.save({"wide": torch.zeros(1).expand(2000, 2000)}, tmp_path / "net.pth")
    with pytest.raises(UserError, match="spreads 1 values over 4000000"):
        read_checkpoint(tmp_path / "net.pth")
    torch.save({"bias": torch.zeros(1).expand(200)}, tmp_path / "net.pth")
    assert read_checkpoint(tmp_path / "net.pth").tree["bias"].shape == (200,)


def test_a_file_that_unpacks_to_far_more_is_refused(tmp_path) -> None:
    torch.save({"weight": torch.zeros(4_000_000)}, tmp_path / "net.pth")
    with zipfile.ZipFile(tmp_path / "net.pth") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "net.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    with pytest.raises(UserError, match=r"it unpacks to .* torch stores without compression"):
        read_checkpoint(tmp_path / "net.pth")


@pytest.mark.parametrize("legacy", [False, True])
def test_what_torch_saves_passes_in_either_form(tmp_path, legacy) -> None:
    tree = {"a": torch.randn(3, 4), "step": 7, "names": ["x", "y"], "b": torch.randn(5)[1:3]}
    torch.save(tree, tmp_path / "net.pth", _use_new_zipfile_serialization=not legacy)
    found = read_checkpoint(tmp_path / "net.pth").tree
    assert torch.equal(found["a"], tree["a"])
    assert torch.equal(found["b"], tree["b"])
    assert found["step"] == 7


def test_fuzzed_files_are_read_or_refused_in_one_line(tmp_path) -> None:
    found = [outcome(raw, tmp_path / "net.pth") for raw in inputs(FUZZED, seed=0)]
    assert set(found) <= {"read", "refused"}
    assert found.count("refused") > FUZZED / 4
    assert found.count("read") > 0
