"""What the tests of the engines begin with; each file has a ``start``: a checkout, nothing done."""

import pytest


@pytest.fixture(scope="module")
def by_dvc(start, tmp_path_factory):
    """The start, run by DVC; no test may change it."""
    checkout = start.copy(tmp_path_factory.mktemp("dvc") / "it")
    checkout.dvc("repro")
    return checkout


@pytest.fixture
def done(by_dvc, tmp_path, monkeypatch):
    """A finished run that a test may spoil, and the current folder."""
    checkout = by_dvc.copy(tmp_path / "it")
    monkeypatch.chdir(checkout.path)
    return checkout
