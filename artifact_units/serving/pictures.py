"""The images of a set as PNG, by id: no path is ever made from what a visitor sends."""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artifact_units.errors import UserError
from artifact_units.files.tables import metadata_of, read_table
from artifact_units.images.shards import shards_of
from artifact_units.serving.site import Missing

KEPT = 128 * 2**20  # bytes of pixels whose PNG are kept
FASTEST = 1  # of PNG's compressions


class Pictures:
    """An image set, read as it is asked for; ``px`` is the side of an image in pixels."""

    def __init__(self, folder: Path, repeat: int = 0) -> None:
        shards = shards_of(folder)
        if not shards:
            raise UserError(f"{folder}: holds no image shard (00000.parquet ...)")
        self.folder = folder
        self._place: dict[int, tuple[Path, int]] = {}
        for shard in shards:
            table = read_table(shard, "images", ["id", "repeat"])
            self.px = int(metadata_of(table)["px"])
            for row, (i, r) in enumerate(zip(*table.to_pydict().values(), strict=True)):
                if r == repeat:
                    self._place[i] = (shard, row)
        self.version = _version(shards)
        self._column = lru_cache(2)(_column)
        self.png = lru_cache(max(64, KEPT // (3 * self.px**2)))(self._png)

    @property
    def ids(self) -> list[int]:
        """The generations that are here, in the set's order."""
        return list(self._place)

    def __contains__(self, generation: int) -> bool:
        return generation in self._place

    def _png(self, generation: int) -> bytes:
        """The PNG of one generation, lossless; raises Missing."""
        if generation not in self._place:
            raise Missing(f"generation {generation} is not here; there are {len(self._place)}")
        shard, row = self._place[generation]
        raw = np.frombuffer(self._column(shard)[row].as_py(), np.uint8)
        pixels = raw.reshape(3, self.px, self.px).transpose(1, 2, 0)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG", compress_level=FASTEST)
        return file.getvalue()


def picture_route(name: str, pictures: Pictures) -> Route:
    """``/NAME/ID.png``; a page adds ``?v=`` and the set's version, so that none is outdated."""

    async def picture(request: Request) -> Response:
        return png_response(pictures.png(request.path_params["id"]))

    return Route(f"/{name}/{{id:int}}.png", picture)


def png_response(png: bytes) -> Response:
    """A picture that the browser may keep."""
    return Response(
        png,
        media_type="image/png",
        headers={"Cache-Control": "private, max-age=86400, immutable"},
    )


def _column(shard: Path) -> pa.ChunkedArray:
    return read_table(shard, "images", ["image"])["image"]


def _version(shards: list[Path]) -> str:
    facts = [(s.name, s.stat().st_size, s.stat().st_mtime_ns) for s in shards]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]
