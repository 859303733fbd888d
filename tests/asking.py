"""A page without a browser: who is let in, and what its scripts would read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from artifact_units.serving import Access

ACCESS = Access("a secret of the tests", frozenset({"testserver"}))
HEADERS = {"origin": "http://testserver", "x-token": ACCESS.post_token}


def client_of(app: Callable[[Access], Starlette]) -> TestClient:
    """A client that the app lets in."""
    client = TestClient(app(ACCESS))
    client.cookies.set(ACCESS.cookie, ACCESS.secret)
    return client


def state(text: str) -> dict[str, Any]:
    """What the page's script starts from."""
    found = re.search(r'data-state="([^"]*)"', text)
    assert found
    return json.loads(found[1].replace("&#34;", '"'))
