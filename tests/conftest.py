"""Every test computes on one thread and has the package's shapes checked as it runs."""

import os

from artifact_units.computing import portable

portable.settle()  # before torch and NumPy are imported
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["TRITON_INTERPRET"] = "1"  # its kernels, step by step on the CPU

from jaxtyping import install_import_hook  # noqa: E402

install_import_hook("artifact_units", "beartype.beartype")

import pytest  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)


def pytest_collection_modifyitems(items):
    """Files with a slow test first, so that none of them is left for one core at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="module")
def browser():
    """The browser; `browsing` is imported where one is needed."""
    from browsing import chromium

    with chromium() as launched:
        yield launched


@pytest.fixture
def troubles():
    """What went wrong in any window; a test that wants trouble takes it out."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def open_page(browser, troubles):
    """A function that opens an address in a window of its own."""
    from browsing import windows

    with windows(browser, troubles) as open_one:
        yield open_one
