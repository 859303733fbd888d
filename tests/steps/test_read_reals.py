from __future__ import annotations

import pytest
from click.testing import CliRunner
from PIL import Image

from artifact_units.images.image_sets import open_images
from steps.read_reals import main


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    for shade in range(4):
        Image.new("L", (12, 9), shade).save(tmp_path / "images" / f"{shade}.png")
    return tmp_path / "images"


def run(folder, **changed):
    given = {"reals": folder, "out": folder.parent / "out", "px": 8, "crop": "centre", "images": 3}
    words = [
        word for name, value in (given | changed).items() for word in (f"--{name}", str(value))
    ]
    return CliRunner().invoke(main, words)


def test_the_set_is_written_and_its_number_said(folder):
    result = run(folder)
    assert result.exit_code == 0, result.output
    assert result.output.endswith("3 real images at 8 px\n")
    images = open_images(folder.parent / "out")
    assert (len(images), images.px) == (3, 8)
    assert "4 real images at 16 px, 4 of them enlarged" in run(folder, images=9, px=16).output


def test_the_same_images_are_the_same_bytes(folder):
    for out in "ab":
        run(folder, out=folder.parent / out)
    first, again = ((folder.parent / out / "00000.parquet").read_bytes() for out in "ab")
    assert first == again


def test_a_file_that_cannot_be_read_is_one_line_and_no_output(folder):
    (folder / "1.png").write_bytes(b"no image")
    result = run(folder)
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "images/1.png: no image of a known format" in result.output
    assert not (folder.parent / "out").exists()
