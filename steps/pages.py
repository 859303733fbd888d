"""The options of the commands that serve a page, or that read what people gave there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click


def there(name: str, text: str, *, required: bool = True) -> Callable:
    """A path that must exist. No stage's input: what is appended to has no manifest."""
    kind = click.Path(path_type=Path, exists=True)
    return click.option(f"--{name}", type=kind, required=required, help=text)


def address(port: int) -> Callable:
    """The options ``host``, ``port`` and ``name`` of a page that is served at ``port``."""
    host = click.option(
        "--host", default="127.0.0.1", show_default=True, help="Address to listen on."
    )
    at = click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=port,
        show_default=True,
        help="Port to listen on; 0: a free one.",
    )
    name = click.option(
        "--name", multiple=True, help="A further host name that the page is opened by."
    )
    return lambda command: host(at(name(command)))
