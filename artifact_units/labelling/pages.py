"""What the labelling page answers: three pages, and the messages that their scripts send."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from artifact_units.errors import UserError
from artifact_units.labelling.book import Book
from artifact_units.labels.raters import disagreements, pairs, pairs_by_kind, rater_name
from artifact_units.labels.verdicts import VERDICTS, Painted, Verdict, kind_names, painted
from artifact_units.serving import (
    Access,
    Missing,
    Pictures,
    body,
    make_app,
    picture_route,
    render,
)

HERE = Path(__file__).parent
AHEAD = 12  # generations that the page knows, and fetches, ahead
TILES = 120  # of a page of the grid
LISTED = 60  # disagreements at once
SHOWN = ("all", "unlabelled", "artifact", "normal", "unsure")


@dataclass(frozen=True)
class Labelling:
    """The page of one image set; ``corrected`` shows the same ids after a correction."""

    book: Book
    pictures: Pictures
    corrected: Pictures | None
    rater: str  # who it is, until the page says otherwise

    def app(self, access: Access) -> Starlette:
        """The app, for ``serving.serve``."""
        routes = [
            Route("/", self.single),
            Route("/grid", self.grid),
            Route("/agreement", self.agreement),
            Route("/generation", self.generation),
            Route("/verdicts", self.save, methods=["POST"]),
            Route("/undo", self.undo, methods=["POST"]),
            picture_route("images", self.pictures),
        ]
        if self.corrected is not None:
            routes.append(picture_route("corrected", self.corrected))
        return make_app(routes, HERE, access)

    async def single(self, request: Request) -> Response:
        """One generation, large."""
        rater = self._rater(request)
        given = request.query_params.get("id")
        if given is None:
            here = next(self.book.waiting(rater), self.book.order[0])
        else:
            here = self._id(given)
        state = self._state(here, rater)
        return self._render(request, "single.html.j2", rater, state=state, kinds=self.book.kinds)

    async def generation(self, request: Request) -> Response:
        """What the script of the single view needs to show one generation."""
        return JSONResponse(
            self._state(self._id(request.query_params.get("id")), self._rater(request))
        )

    async def grid(self, request: Request) -> Response:
        """Many generations, small."""
        rater = self._rater(request)
        show = request.query_params.get("show", "all")
        if show not in SHOWN:
            raise UserError(f"show={show[:20]}; it may be {', '.join(SHOWN)}")
        found = [i for i in self.book.order if show in ("all", self._said(i, rater))]
        last = max(0, (len(found) - 1) // TILES)
        page = min(last, _whole(request.query_params.get("page", "0"), "page"))
        tiles = [(i, self._said(i, rater)) for i in found[page * TILES : (page + 1) * TILES]]
        values = {"show": show, "shown": SHOWN, "page": page, "last": last, "found": len(found)}
        return self._render(request, "grid.html.j2", rater, tiles=tiles, **values)

    async def agreement(self, request: Request) -> Response:
        """How far the raters agree, and what they do not agree on."""
        book = self.book
        differ = [i for i in disagreements(book.given) if i in self.pictures]
        open_ones = [i for i in differ if i not in book.final]
        listed = [(i, book.given[i], book.final.get(i)) for i in (*open_ones, *book.final)]
        return self._render(
            request,
            "agreement.html.j2",
            self._rater(request),
            pairs=pairs(book.given),
            by_kind=pairs_by_kind(book.given),
            listed=[entry for entry in listed if entry[0] in self.pictures][:LISTED],
            open=len(open_ones),
            shared=len(book.shared),
        )

    async def save(self, request: Request) -> Response:
        """Write one verdict."""
        given = await body(request)
        verdict = given.get("verdict")
        if verdict not in VERDICTS:
            raise UserError(f"no such verdict; it may be {', '.join(VERDICTS)}")
        generation, rater = self._id(given.get("id")), rater_name(given.get("rater"))
        mask, final = self._mask(given.get("mask")), given.get("final") is True
        if mask is not None and (verdict != "artifact" or final):
            raise UserError("only a generation that is labelled artifact has a mask")
        kinds = kind_names(given.get("kinds", []))
        if kinds and (verdict != "artifact" or final):
            raise UserError("only a generation that is labelled artifact has kinds")
        checkpoint = self.book.checkpoint
        self.book.give(Verdict(generation, checkpoint, rater, verdict, mask, final, kinds))
        return JSONResponse(self._around(generation, rater))

    async def undo(self, request: Request) -> Response:
        """Take the rater's last verdict back."""
        rater = rater_name((await body(request)).get("rater"))
        undone = self.book.undo(rater)
        return JSONResponse({"id": None} if undone is None else self._state(undone, rater))

    def _state(self, generation: int, rater: str) -> dict[str, Any]:
        return {**self._card(generation, rater), **self._around(generation, rater)}

    def _around(self, generation: int, rater: str) -> dict[str, Any]:
        # One more than is asked for: the generation itself may be waiting still.
        waiting = islice(self.book.waiting(rater, generation), AHEAD + 1)
        queue = [self._card(i, rater) for i in waiting if i != generation]
        return {"queue": queue[:AHEAD], "progress": asdict(self.book.progress(rater))}

    def _card(self, generation: int, rater: str) -> dict[str, Any]:
        said = self.book.verdict(generation, rater)
        before, after = self.book.neighbours(generation)
        return {
            "id": generation,
            "verdict": said.verdict if said else None,
            "mask": [n for run in said.mask.runs for n in run] if said and said.mask else None,
            "kinds": list(said.kinds) if said else [],
            "corrected": self.corrected is not None and generation in self.corrected,
            "before": before,
            "after": after,
        }

    def _render(self, request: Request, template: str, rater: str, **values: Any) -> Response:
        return render(
            request,
            template,
            rater=rater,
            raters=self.book.raters,
            progress=self.book.progress(rater),
            px=self.pictures.px,
            version=self.pictures.version,
            corrected_version=self.corrected.version if self.corrected else "",
            **values,
        )

    def _said(self, generation: int, rater: str) -> str:
        said = self.book.verdict(generation, rater)
        return said.verdict if said else "unlabelled"

    def _rater(self, request: Request) -> str:
        return rater_name(request.query_params.get("rater", self.rater))

    def _id(self, given: object) -> int:
        generation = _whole(given, "generation")
        if generation not in self.pictures:
            count = len(self.book.order)
            raise Missing(f"generation {generation} is not here; there are {count}")
        return generation

    def _mask(self, given: object) -> Painted | None:
        try:
            mask = painted(given)
        except (ValueError, TypeError, KeyError, OverflowError):
            raise UserError("the mask is no list of runs of pixels") from None
        if mask is not None and mask.px != self.pictures.px:
            raise UserError(f"the mask is of {mask.px} px, the images are of {self.pictures.px}")
        return mask


def _whole(given: object, what: str) -> int:
    text = str(given) if isinstance(given, int | str) and not isinstance(given, bool) else ""
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise Missing(f"{what}: a whole number is asked for, from 0")
    return int(text)
