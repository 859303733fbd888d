"""Real images of the user's as one image set, by the same stated rules whatever they lie in.

1. The first frame, turned as its EXIF orientation says. Colour profiles are not applied.
2. To 8-bit RGB: grey and palettes expanded; of 16 bits the upper 8; CMYK without a profile;
   where there is alpha, composited on black.
3. ``centre``: the largest square in the middle. ``none``: the whole image, squeezed to a square.
4. Resized to px by px: Lanczos, antialiased (Pillow's, at full precision).

Ids are 0, 1, ... in the order of the names. Nothing here imports torch: the step is to be quick.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from artifact_units.errors import UserError
from artifact_units.images.containers import files_in
from artifact_units.images.shards import SHARD, read_shard, shards_of, write_shard

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")  # none that starts a program
Crop = Literal["centre", "none"]
Picture = UInt8[np.ndarray, "3 height width"]  # byte range, 0..255


def write_reals(folder: Path, source: Path, px: int, crop: Crop, most: int) -> tuple[int, int]:
    """Write the first ``most`` images of ``source`` at ``px``: how many, and how many enlarged.

    ``source`` is whatever ``containers`` reads, or an image set of ours. A UserError names the
    first file that cannot be read.
    """
    pictures = islice(_pictures(source), most)
    room = np.zeros((SHARD, 3, px, px), np.uint8)  # the same for every shard
    done = enlarged = 0
    while small := [_put(picture, row, crop) for row, picture in zip(room, pictures, strict=False)]:
        write_shard(folder, done // SHARD, range(done, done + len(small)), room[: len(small)])
        done, enlarged = done + len(small), enlarged + sum(small)
    return done, enlarged


def _put(picture: Image.Image, row: Picture, crop: Crop) -> bool:
    px = row.shape[-1]
    row[:] = fitted(picture, px, crop)
    return min(picture.size) < px


def fitted(picture: Image.Image, px: int, crop: Crop) -> Picture:
    """An RGB picture as ``[3, px, px]`` (rules 3 and 4)."""
    if crop == "centre":
        width, height = picture.size
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        picture = picture.crop((left, top, left + side, top + side))
    picture = picture.resize((px, px), Image.Resampling.LANCZOS)
    return np.asarray(picture).transpose(2, 0, 1)


def decoded(content: bytes) -> Image.Image:
    """The first frame of an image file's bytes, upright, in 8-bit RGB (rules 1 and 2).

    A header that promises too many pixels is a UserError before any is decoded.
    """
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, which is not used
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
            picture.load()
            return _rgb(ImageOps.exif_transpose(picture))
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise UserError(f"more than {limit} pixels: not decoded; make it smaller") from None
        except Image.UnidentifiedImageError:
            raise UserError(f"no image of a known format ({', '.join(FORMATS)})") from None


def _pictures(source: Path) -> Iterator[Image.Image]:
    shards = shards_of(source)
    for shard in shards:
        yield from (Image.fromarray(pixels.transpose(1, 2, 0)) for pixels in read_shard(shard))
    for name, contents in () if shards else files_in(source):
        try:
            picture = decoded(contents())
        except Exception as error:  # a damaged file fails in any way it likes
            said = str(error) if isinstance(error, UserError) else _said(error)
            raise UserError(f"{source / name}: {said}; mend it, or take it out") from None
        yield picture


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        return _from_integers(picture)
    if picture.mode == "F":
        raise UserError("floating-point pixels, whose range nobody knows")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        black = Image.new("RGBA", picture.size, "black")
        picture = Image.alpha_composite(black, picture)
    return picture.convert("RGB")


def _from_integers(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture)
    if values.min() < 0 or values.max() >= 2**16:
        raise UserError("32-bit pixels, whose range nobody knows")
    return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")


def _said(error: Exception) -> str:
    reason = " ".join(str(error).split())[:80] or type(error).__name__
    return f"not readable as an image ({reason})"
