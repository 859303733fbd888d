"""One small run for all tests, in a folder with blanks and letters beyond ASCII in its name."""

import pytest
import torch
from reliability.world import World


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A finished run; no test may change its files."""
    return World.make(tmp_path_factory.mktemp("small") / "a folder with ünïcode ☃")


@pytest.fixture
def world(whole, tmp_path, monkeypatch):
    """Links to a finished run, in the current folder; torch is left as it was found."""
    before = torch.get_deterministic_debug_mode()
    found = whole.copy(tmp_path / "it ☃")
    monkeypatch.chdir(found.path)
    yield found
    torch.set_deterministic_debug_mode(before)
