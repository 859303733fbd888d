from __future__ import annotations

import re
from pathlib import Path

import pytest

from workflow.document_steps import page

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])


def test_the_page_of_steps_is_their_help() -> None:
    # `make docs` writes it anew.
    assert (ROOT / "docs/steps.md").read_text(encoding="utf-8") == page(ROOT / "steps")


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_every_file_that_a_page_links_to_is_there(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)\)", path.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_every_code_file_that_a_page_names_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"`((?:artifact_units|steps|demo|tests|workflow|benchmarks)/[\w/.]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
