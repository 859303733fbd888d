from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from artifact_units.errors import UserError
from artifact_units.files.storage import sha256_of
from artifact_units.files.weights import KnownWeights, read_weights


class Evil:
    """Unpickled, it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def known(path: Path) -> KnownWeights:
    return KnownWeights(path.name, sha256_of(path)[:8], "somewhere")


def test_a_missing_file_says_what_belongs_there(tmp_path) -> None:
    wanted = KnownWeights("net-12ab34cd.pth", "12ab34cd", "its authors")
    with pytest.raises(UserError) as caught:
        read_weights(tmp_path / "net.pth", wanted)
    said = str(caught.value)
    assert "\n" not in said
    for part in (
        "net.pth",
        "net-12ab34cd.pth",
        "12ab34cd",
        "its authors",
        "nothing is ever fetched",
    ):
        assert part in said


def test_a_damaged_file_is_refused_by_its_sha256(tmp_path) -> None:
    path = tmp_path / "net.pth"
    torch.save({"a": torch.zeros(3)}, path)
    expected = known(path)
    assert read_weights(path, expected)["a"].shape == (3,)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=f"not net.pth .sha256 {expected.sha256}"):
        read_weights(path, expected)


@pytest.mark.parametrize("protocol", ["torch", "pickle"])
def test_what_a_file_would_run_is_never_run(tmp_path, protocol) -> None:
    path, mark = tmp_path / "evil.pth", tmp_path / "ran"
    if protocol == "torch":
        torch.save({"a": Evil(mark)}, path)
    else:
        path.write_bytes(pickle.dumps({"a": Evil(mark)}))
    with pytest.raises(UserError, match="refused, because its pickle asks for"):
        read_weights(path, known(path))
    assert not mark.exists()
    # The file is as evil as it should be: torch's other way of reading it runs it.
    torch.load(path, weights_only=False) if protocol == "torch" else pickle.loads(path.read_bytes())
    assert mark.exists()


@pytest.mark.parametrize("content", [b"", b"not a torch file", b"\x80\x02}q\x00"])
def test_a_file_that_is_no_torch_file_is_one_line(tmp_path, content) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"net\.pth: .*(is empty|not a readable|without a network)"):
        read_weights(path, known(path))


def test_a_file_without_names_of_tensors_is_refused(tmp_path) -> None:
    path = tmp_path / "net.pth"
    torch.save([torch.zeros(1)], path)
    with pytest.raises(UserError, match="holds a list, not a state dict"):
        read_weights(path, known(path))
