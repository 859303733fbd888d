"""Who may ask for what: every request passes here, before any page sees it.

A page on a login node is reached by every user of that node, and a browser sends requests for
whatever page it shows. So a request must know the server's secret (a cookie, set by the address
that the server prints), must name a host that we answer to (no foreign name that was pointed at
this machine), and one that changes something must come from our own page.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artifact_units.errors import UserError

VARIABLE = "ARTIFACT_UNITS_TOKEN"  # not an option: other users of a machine see command lines
SHORTEST = 16  # characters of a secret
LONGEST = 1024  # characters of a path with its query
LIMIT = 256 * 1024  # bytes of a body
METHODS = ("GET", "HEAD", "POST")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Refused(Exception):
    """A request that is not answered: its status and one line."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status
        self.line = line


@dataclass(frozen=True)
class Access:
    """What a request must know and may name."""

    secret: str
    names: frozenset[str]  # hosts that a request may name, whatever the port (tunnels change it)

    @classmethod
    def at(cls, host: str, names: Iterable[str] = ()) -> Access:
        """For a server bound to ``host``, also called ``names``.

        The secret is that of the environment, or a new one on the loopback. A UserError where it
        is short, or where ``host`` can be reached from elsewhere and no secret was chosen.
        """
        chosen = os.environ.get(VARIABLE, "")
        if chosen and len(chosen) < SHORTEST:
            raise UserError(f"{VARIABLE} has {len(chosen)} characters; give at least {SHORTEST}")
        if not chosen and not is_loopback(host):
            raise UserError(
                f"{host} can be reached from other machines; set {VARIABLE} to a secret of at "
                f"least {SHORTEST} characters, or stay on 127.0.0.1 and use an SSH tunnel"
            )
        known = {"localhost", "127.0.0.1", "::1", host.lower(), *(n.lower() for n in names)}
        return cls(chosen or secrets.token_urlsafe(24), frozenset(known - {"0.0.0.0", "::"}))

    @property
    def post_token(self) -> str:
        """What a page sends with every POST; another site cannot read it."""
        return hmac.new(self.secret.encode(), b"post", hashlib.sha256).hexdigest()

    @property
    def cookie(self) -> str:
        """The cookie's name: browsers share cookies between the ports of a host."""
        return f"artifact_units_{hashlib.sha256(self.secret.encode()).hexdigest()[:8]}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server bound to ``host``."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """Refuses, limits, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return  # no websocket is served, and the app has nothing to start or stop
        request = HTTPConnection(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**HEADERS, "Cache-Control": "no-store"}.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            answer = self._look(request, scope["method"])
            if scope["method"] == "POST":
                receive = _replay(await _read(receive, request.headers))
        except Refused as refused:
            answer = PlainTextResponse(f"Error: {refused.line}\n", refused.status)
        await (answer or self.app)(scope, receive, send_with_headers)

    def _look(self, request: HTTPConnection, method: str) -> Response | None:
        """Nothing where the request may pass, the visitor's redirect, or raises Refused."""
        self._check_host(request.headers)
        if method not in METHODS:
            raise Refused(405, f"{method} is not answered; there are {', '.join(METHODS)}")
        if len(request.url.path) + len(request.url.query) > LONGEST:
            raise Refused(414, f"an address of more than {LONGEST} characters")
        query = dict(parse_qsl(request.url.query))
        token = query.pop("token", None)
        if method == "GET" and token is not None and _same(token, self.access.secret):
            return self._welcome(request.url.path, query)
        if not _same(request.cookies.get(self.access.cookie, ""), self.access.secret):
            raise Refused(403, "open the address that the server printed when it started")
        if method == "POST":
            self._check_post(request)
        return None

    def _check_host(self, headers: Headers) -> None:
        given = headers.getlist("host")
        name = _name_of(given[0]) if len(given) == 1 else None
        if name not in self.access.names:
            raise Refused(403, f"this server is not {' '.join(given)!r}; --name allows a name")

    def _check_post(self, request: HTTPConnection) -> None:
        origin = f"{request.url.scheme}://{request.headers['host']}"
        if request.headers.getlist("origin") != [origin]:
            raise Refused(403, "a change must come from this server's own page (Origin)")
        if not _same(request.headers.get("x-token", ""), self.access.post_token):
            raise Refused(403, "the page is of an earlier start of the server; load it anew")
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            raise Refused(415, "a change is sent as application/json")

    def _welcome(self, path: str, query: dict[str, str]) -> Response:
        # "//other.site" would be another host's address.
        target = "/" + path.lstrip("/") + (f"?{urlencode(query)}" if query else "")
        answer = RedirectResponse(target, 303)
        answer.set_cookie(self.access.cookie, self.access.secret, httponly=True, samesite="lax")
        return answer


async def _read(receive: Receive, headers: Headers) -> bytes:
    said = headers.get("content-length", "0")
    too_large = Refused(413, f"a body of more than {LIMIT} bytes")
    if not said.isdecimal() or int(said[:12]) > LIMIT:
        raise too_large
    read, more = b"", True
    while more:
        message = await receive()
        read += message.get("body", b"")
        more = message.get("more_body", False)
        if len(read) > LIMIT:
            raise too_large
    return read


def _replay(read: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": read, "more_body": False}

    return receive


def _name_of(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        return parts.hostname if parts.netloc == host and "@" not in host else None
    except ValueError:
        return None


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
