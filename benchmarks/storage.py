"""Generations under DVC: add, push and pull of shards of ours, beside a folder of PNGs.

``python -m benchmarks.storage`` does both in a repository of its own, whose remote is a folder.
Wall seconds of each command, the start of DVC included, as what waits is the disk; CPU beside it.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image

from artifact_units.images.image_sets import open_images, write_images
from benchmarks.common import start

PX = 32  # 3 kB of noise an image: nothing compresses it


def pixels(images: int) -> torch.Tensor:
    stream = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (images, 3, PX, PX), generator=stream, dtype=torch.uint8)


def as_shards(folder: Path, images: torch.Tensor) -> None:
    write_images(folder, range(len(images)), iter(images.split(1000)))


def as_pngs(folder: Path, images: torch.Tensor) -> None:
    folder.mkdir()
    for number, image in enumerate(images.permute(0, 2, 3, 1).numpy()):
        Image.fromarray(image).save(folder / f"{number:05d}.png")


def same(folder: Path, images: torch.Tensor) -> bool:
    if pngs := sorted(folder.glob("*.png")):
        found = np.stack([np.asarray(Image.open(file)) for file in pngs])
        return bool((torch.from_numpy(found).permute(0, 3, 1, 2) == images).all())
    return torch.equal(torch.cat(list(open_images(folder).batches(len(images)))), images)


def spent(place: Path, words: str) -> tuple[float, float]:
    """Wall and CPU seconds of ``dvc`` with these words."""
    wall, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "dvc", *words.split()], cwd=place, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return time.monotonic() - wall, cpu


def measured(
    place: Path, write: Callable[[Path, torch.Tensor], None], images: torch.Tensor
) -> list[tuple[float, float]]:
    """Of add, push and pull; what is pulled is what was added."""
    place.mkdir()
    subprocess.run(["git", "init", "-q", place], check=True)
    for words in ("init -q", "config core.analytics false", "remote add -q -d far ../far"):
        spent(place, words)
    write(place / "set", images)
    found = [spent(place, words) for words in ("add -q set", "push -q")]
    shutil.rmtree(place / "set")
    shutil.rmtree(place / ".dvc" / "cache")
    found.append(spent(place, "pull -q"))
    if not same(place / "set", images):
        raise click.ClickException("what was pulled is not what was added")
    return found


@click.command()
@click.option("--images", default=10000, help="How many.")
def main(images: int) -> None:
    """Print what add, push and pull of images cost under DVC."""
    start(f"{images} images of {PX} px under DVC, wall s (cpu s)")
    every = pixels(images)
    click.echo(f"{'':16} {'add':>14} {'push':>14} {'pull':>14}")
    for name, write in (("shards (ours)", as_shards), ("PNG folder", as_pngs)):
        with tempfile.TemporaryDirectory() as folder:
            found = measured(Path(folder) / "repository", write, every)
        row = " ".join(f"{f'{wall:.1f} ({cpu:.1f})':>14}" for wall, cpu in found)
        click.echo(f"{name:16} {row}")


if __name__ == "__main__":
    main()
