"""What the judging page answers. None of it says which picture is which, or what kind of pair."""

from __future__ import annotations

from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from artifact_units.errors import UserError
from artifact_units.judging.book import Book
from artifact_units.judging.judgements import answers_of
from artifact_units.labels.raters import rater_name
from artifact_units.serving import Access, Missing, body, make_app, png_response, render

HERE = Path(__file__).parent
AHEAD = 3  # pairs that the page fetches ahead


class Judging:
    """The page of one study."""

    def __init__(self, book: Book, rater: str) -> None:
        self.book = book
        self.rater = rater  # who it is, until the page says otherwise
        # In every picture's address, so that a browser keeps none of another study or seed.
        facts = f"{book.study.name} {book.seed} {book.pairs}"
        self.version = sha256(facts.encode()).hexdigest()[:12]

    def app(self, access: Access) -> Starlette:
        """The app, for ``serving.serve``."""
        routes = [
            Route("/", self.page),
            Route("/pictures/{number:int}.png", self.picture),
            Route("/judgements", self.save, methods=["POST"]),
            Route("/undo", self.undo, methods=["POST"]),
        ]
        return make_app(routes, HERE, access)

    async def page(self, request: Request) -> Response:
        """The one page."""
        rater = self._rater(request)
        values = {"px": self.book.study.px, "version": self.version, "rater": rater}
        return render(request, "page.html.j2", state=self._state(rater), **values)

    async def picture(self, request: Request) -> Response:
        """Picture 2n is the left one of a rater's n-th pair, picture 2n + 1 the right one."""
        number, right = divmod(request.path_params["number"], 2)
        trial = self.book.trial(self._rater(request), number)
        other = {"before": "after", "after": "before"}[trial.left]
        return png_response(self.book.study.png(trial.pair, other if right else trial.left))

    async def save(self, request: Request) -> Response:
        """Write one judgement."""
        given = await body(request)
        rater, number = rater_name(given.get("rater")), _whole(given.get("pair"))
        try:
            answers = answers_of(given)
        except ValueError as error:
            raise UserError(f"{error}: no such answer") from None
        self.book.give(rater, number, answers)
        return JSONResponse(self._state(rater))

    async def undo(self, request: Request) -> Response:
        """Take the rater's last judgement back, and show that pair."""
        rater = rater_name((await body(request)).get("rater"))
        return JSONResponse(self._state(rater, self.book.undo(rater)))

    def _state(self, rater: str, here: int | None = None) -> dict[str, Any]:
        waiting = islice(self.book.waiting(rater), AHEAD + 2)
        numbers = [here] if here is not None else []
        numbers += [number for number in waiting if number != here]
        return {
            "pair": numbers[0] if numbers else None,
            "ahead": numbers[1 : AHEAD + 1],
            "judged": self.book.judged(rater),
            "total": len(self.book.pairs),
        }

    def _rater(self, request: Request) -> str:
        return rater_name(request.query_params.get("rater", self.rater))


def _whole(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or given < 0:
        raise Missing("pair: a whole number is asked for, from 0")
    return given
