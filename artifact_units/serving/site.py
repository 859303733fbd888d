"""An app from a page's routes and its folder, and the server that runs it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from artifact_units.errors import UserError
from artifact_units.files.json_text import parsed
from artifact_units.serving.guard import Access, Guard

STATIC = {".css": "text/css", ".js": "text/javascript"}
OWN = Path(__file__).parent  # with base.css, which every page starts from


class Missing(UserError):
    """What was asked for is not there."""


def make_app(routes: Sequence[BaseRoute], folder: Path, access: Access) -> Starlette:
    """The page's routes, its folder's templates and static files, behind the guard."""
    app = Starlette(
        routes=[*routes, _static_route(folder), Route("/favicon.ico", _nothing)],
        middleware=[Middleware(Guard, access=access)],
        exception_handlers={
            Missing: _failed(404),
            UserError: _failed(400),
            OSError: _failed(500),
            HTTPException: _failed(),
        },
    )
    app.state.post_token = access.post_token
    app.state.templates = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return app


def render(request: Request, template: str, **values: Any) -> HTMLResponse:
    """A template of the page's folder; it also has ``post_token``."""
    state = request.app.state
    found = state.templates.get_template(template)
    return HTMLResponse(found.render(post_token=state.post_token, **values))


async def body(request: Request) -> dict[str, Any]:
    """The mapping that a POST carries as JSON."""
    try:
        found = parsed(await request.body())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UserError("the body is no JSON object")
    return found


def serve(app: Starlette, access: Access, host: str, port: int, say: Callable[[str], None]) -> None:
    """Say the address to open, and answer until interrupted; port 0 is any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{host}:{port} cannot be served ({reason}); choose a --port") from None
    port = listening.getsockname()[1]
    # Not "localhost": at its other address another user may listen, and would get the secret.
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    say(f"open http://{f'[{name}]' if ':' in name else name}:{port}/?token={access.secret}")
    config = uvicorn.Config(
        app,
        access_log=False,  # it would hold the secret
        http="h11",
        lifespan="off",
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        ws="none",
    )
    with listening, contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how it is stopped
        uvicorn.Server(config).run(sockets=[listening])


def _static_route(folder: Path) -> Route:
    files = {
        file.name: (file.read_bytes(), STATIC[file.suffix])
        for root in (OWN.resolve(), folder.resolve())
        for file in root.iterdir()
        if file.suffix in STATIC and file.resolve().parent == root  # no link out of it
    }

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in files:
            raise Missing("there is no such file")
        content, kind = files[name]
        return Response(content, media_type=kind)

    return Route("/static/{name}", static)


async def _nothing(_request: Request) -> Response:
    return Response(status_code=204)  # a browser asks by itself, and would call a 404 an error


def _failed(status: int | None = None) -> Callable[[Request, Exception], Response]:
    def answer(_request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            return PlainTextResponse(f"Error: {error.detail}\n", error.status_code)
        line = " ".join(str(error).split())
        if isinstance(error, OSError) and error.strerror:
            line = f"{error.filename}: {error.strerror[0].lower()}{error.strerror[1:]}"
        return PlainTextResponse(f"Error: {line}\n", status or 500)

    return answer
