from __future__ import annotations

import io
import struct
import subprocess
import sys
import zipfile
import zlib

import lmdb
import numpy as np
import pytest
import torch
from house import ROOT
from PIL import Image

from artifact_units.errors import UserError
from artifact_units.images.image_sets import open_images, write_images
from artifact_units.images.real_images import decoded, fitted, write_reals


def stored(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def colour(content):
    """The colour of the top left pixel, after the rules."""
    picture = decoded(content)
    assert picture.mode == "RGB"
    return picture.getpixel((0, 0))


def png_of(width, height, *, depth=8, kind=2, rows=b""):
    """A PNG by hand: Pillow writes neither 16-bit colour nor a header that lies."""

    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_grey_and_palette_and_one_bit_become_rgb():
    assert colour(stored(Image.new("L", (4, 4), 70))) == (70, 70, 70)
    assert colour(stored(Image.new("1", (4, 4), 1))) == (255, 255, 255)
    palette = Image.new("RGB", (4, 4), (10, 200, 30)).convert("P", palette=Image.Palette.ADAPTIVE)
    assert colour(stored(palette)) == (10, 200, 30)
    assert colour(stored(palette, "GIF")) == (10, 200, 30)


def test_of_sixteen_bits_the_upper_eight_are_kept_in_grey_and_in_colour():
    grey = Image.fromarray(np.full((4, 4), 0x46FF, np.uint16))
    assert colour(stored(grey)) == (0x46, 0x46, 0x46)
    assert colour(stored(grey, "TIFF")) == (0x46, 0x46, 0x46)
    row = b"\x00" + bytes([0x46, 0xFF, 0x10, 0xFF, 0x20, 0xFF])
    assert colour(png_of(1, 1, depth=16, rows=row)) == (0x46, 0x10, 0x20)


def test_pixels_without_a_known_range_are_refused():
    with pytest.raises(UserError, match="floating-point pixels"):
        decoded(stored(Image.new("F", (4, 4), 0.5), "TIFF"))
    with pytest.raises(UserError, match="32-bit pixels"):
        decoded(stored(Image.new("I", (4, 4), 2**20), "TIFF"))


def test_cmyk_becomes_rgb():
    picture = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    assert colour(stored(picture, "TIFF")) == (255, 0, 0)
    red, green, blue = np.asarray(decoded(stored(picture, "JPEG", quality=100)))[0, 0]
    assert (red > 250, green < 5, blue < 5) == (True, True, True)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_alpha_is_composited_on_black(kind):
    half = Image.new("RGBA", (4, 4), (200, 100, 50, 128))
    assert colour(stored(half, kind, lossless=True)) == (100, 50, 25)
    hidden = Image.new("RGBA", (4, 4), (200, 100, 50, 0))
    assert colour(stored(hidden, kind, lossless=True)) == (0, 0, 0)


def test_a_transparent_colour_is_black():
    assert colour(stored(Image.new("L", (4, 4), 70), transparency=70)) == (0, 0, 0)
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([10, 200, 30])
    assert colour(stored(palette, transparency=0)) == (0, 0, 0)


def test_of_an_animated_file_the_first_frame_is_taken():
    first, second = (Image.new("RGB", (4, 4), shade) for shade in ("red", "blue"))
    assert colour(stored(first, "GIF", save_all=True, append_images=[second])) == (255, 0, 0)


def test_a_picture_is_turned_as_its_exif_says():
    picture = Image.new("RGB", (6, 4), "red")
    exif = picture.getexif()
    exif[0x0112] = 6  # turned by a quarter
    assert decoded(stored(picture, "JPEG", exif=exif)).size == (4, 6)


def test_the_middle_square_is_cut_out_or_the_whole_is_squeezed():
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, 2:6] = 255  # the middle is white, its sides are black
    picture = Image.fromarray(pixels)
    assert (fitted(picture, 4, "centre") == 255).all()
    squeezed = fitted(picture, 4, "none")
    assert squeezed.shape == (3, 4, 4)
    assert squeezed[:, :, 0].max() < 60
    assert squeezed[:, :, 1].min() > 200


def test_fine_stripes_become_grey_not_an_alias():
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, ::2] = 255
    small = fitted(Image.fromarray(pixels), 16, "centre")[:, :, 2:-2]
    assert abs(small.astype(int) - 127).max() <= 2


def test_a_picture_of_the_right_size_is_kept_as_it_is():
    pixels = np.random.RandomState(0).randint(0, 256, (8, 8, 3), np.uint8)
    kept = fitted(decoded(stored(Image.fromarray(pixels))), 8, "centre")
    assert (kept == pixels.transpose(2, 0, 1)).all()


def test_a_header_that_promises_too_much_is_refused_before_decoding():
    # 84 bytes that would be 2.7 GB of pixels.
    with pytest.raises(UserError, match="more than 89478485 pixels: not decoded"):
        decoded(png_of(30_000, 30_000))


def shades_in(path, px=4, most=100):
    """The shades of grey of a set that was made of ``path``."""
    out = path.parent / "set"
    write_reals(out, path, px, "centre", most)
    images = open_images(out)
    assert images.px == px
    assert images.ids.tolist() == list(range(len(images)))
    return images.take(images.ids)[:, 0, 0, 0].tolist()


def test_a_folder_a_zip_and_an_lmdb_of_the_same_images_are_the_same_set(tmp_path):
    folder, database = tmp_path / "images", tmp_path / "lmdb"
    (folder / "deep").mkdir(parents=True)
    for name, shade in {"b.png": 3, "deep/c.png": 4, "a.png": 2}.items():
        Image.new("L", (9, 5), shade).save(folder / name)
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*.png")}
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for name, path in files.items():
            archive.write(path, name)
    with lmdb.open(str(database)) as environment, environment.begin(write=True) as writing:
        for name, path in files.items():
            writing.put(name.encode(), path.read_bytes())
    for path in (folder, tmp_path / "images.zip", database):
        assert shades_in(path) == [2, 3, 4]
        assert shades_in(path, most=2) == [2, 3]


def test_an_image_set_of_ours_is_taken_too_and_kept_exactly(tmp_path):
    pixels = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8)
    write_images(tmp_path / "ours", [7, 8, 9, 10, 11], iter([pixels]))
    assert write_reals(tmp_path / "out", tmp_path / "ours", 8, "centre", 3) == (3, 0)
    assert torch.equal(open_images(tmp_path / "out").take([0, 1, 2]), pixels[:3])


def test_images_are_read_one_by_one_and_written_shard_by_shard(tmp_path, monkeypatch):
    monkeypatch.setattr("artifact_units.images.real_images.SHARD", 2)
    (tmp_path / "images").mkdir()
    for shade in range(5):
        Image.new("L", (4, 4), shade).save(tmp_path / "images" / f"{shade}.png")
    assert shades_in(tmp_path / "images") == [0, 1, 2, 3, 4]
    assert len(list((tmp_path / "set").iterdir())) == 3


def test_how_many_were_smaller_than_the_set_is_counted(tmp_path):
    (tmp_path / "images").mkdir()
    for name, size in {"a": (4, 4), "b": (8, 3), "c": (9, 9)}.items():
        Image.new("L", size).save(tmp_path / "images" / f"{name}.png")
    assert write_reals(tmp_path / "out", tmp_path / "images", 4, "centre", 9) == (3, 1)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
def test_a_file_that_is_cut_short_is_named(tmp_path, kind):
    pixels = np.random.RandomState(0).randint(0, 256, (32, 32, 3), np.uint8)
    content = stored(Image.fromarray(pixels), kind)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "torn.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"images/torn\.png: .*; mend it, or take it out") as caught:
        shades_in(tmp_path / "images")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"<html>", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\x89PNG\r\n"])
def test_a_file_that_is_no_image_is_named(tmp_path, content):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a/page.jpg", content)
    with pytest.raises(UserError, match=r"x\.zip/a/page\.jpg: no image of a known format"):
        shades_in(tmp_path / "x.zip")


def test_a_damaged_file_of_a_zip_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.png", stored(Image.new("L", (4, 4))))
    content = bytearray((tmp_path / "x.zip").read_bytes())
    content[60] ^= 1
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(UserError, match=r"x\.zip/a\.png: not readable .*Bad CRC-32"):
        shades_in(tmp_path / "x.zip")


def test_nothing_that_reads_real_images_imports_torch():
    code = "import sys; import artifact_units.images.real_images; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
