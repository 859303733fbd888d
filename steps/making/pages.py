"""What the commands share that serve a page, or that read and append what people gave there."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from steps.making.command import say

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from artifact_units.serving import Access, Journal


def there(name: str, text: str, *, required: bool = True) -> Callable:
    """A path that must exist. No stage's input: what is appended to has no manifest."""
    kind = click.Path(path_type=Path, exists=True)
    return click.option(f"--{name}", type=kind, required=required, help=text)


def rater(text: str) -> Callable:
    """The option ``rater``: the user's name where none is given."""
    return click.option("--rater", default=_user, show_default="your user name", help=text)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container, a number that no name belongs to
        raise click.UsageError("Your user has no name here; give one with --rater.") from None


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


@contextmanager
def opened(path: Path) -> Iterator[Journal]:
    """The journal at ``path``, until the block ends; what it had to drop is said."""
    from artifact_units.serving import Journal

    with closing(Journal(path)) as journal:
        if journal.notice:
            say(journal.notice)
        yield journal


def serve_page(
    app: Callable[[Access], Starlette], *, host: str, port: int, name: Sequence[str]
) -> None:
    """Serve a page at an ``address``, until interrupted."""
    from artifact_units import serving

    access = serving.Access.at(host, name)
    serving.serve(app(access), access, host, port, say)
