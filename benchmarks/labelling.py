"""Labelling: from the key to the next generation on the screen, in a real browser.

Wall time, since that is what a person waits; the server is a process of its own and every verdict
is synced to the disk. Measured in the page: from the key's event to the frame after the one in
which the next image was put there.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

import click
import numpy as np

from benchmarks.common import start

LABELS = 50
PAUSE = 500  # ms between two labels: a very quick person
SIDES = (64, 256, 1024)
TIMER = """() => {
  window.taken = [];
  let pressed = 0;
  addEventListener("keydown", (event) => (pressed = event.timeStamp), true);
  new MutationObserver(() =>
    requestAnimationFrame(() => setTimeout(() => taken.push(performance.now() - pressed)))
  ).observe(document.getElementById("frame"), { attributeFilter: ["data-shown"] });
}"""


def main() -> None:
    """Print the median and the slowest of some labels, by the images' size."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return click.echo("labelling: not measured, there is no chromium")
    start(f"From key to next generation, {LABELS} labels each, {PAUSE} ms apart")
    click.echo(f"{'px':>5}  {'median, ms':>10}  {'95 %, ms':>10}  {'slowest, ms':>11}")
    for px in SIDES:
        taken = sorted(_measured(chromium, px))
        late = taken[int(0.95 * len(taken))]
        click.echo(f"{px:5}  {median(taken):10.1f}  {late:10.1f}  {taken[-1]:11.1f}")
    return None


def _measured(chromium: str, px: int) -> list[float]:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        server = _server(Path(name), px)
        try:
            arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
            browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(server.start())
            page.wait_for_selector('#frame[data-shown="0"]')
            page.evaluate(TIMER)
            for shown in range(LABELS):
                page.keyboard.press("12"[shown % 2])
                page.wait_for_selector(f'#frame[data-shown="{shown + 1}"]')
                page.wait_for_timeout(PAUSE)
            found = page.evaluate("taken")
            browser.close()
            return found
        finally:
            server.stop()


def _server(folder: Path, px: int):
    sys.path.insert(0, "tests")
    from browsing import Served  # pyright: ignore[reportMissingImports]

    from artifact_units.images.shards import write_shard

    (folder / "generator.bin").write_bytes(b"weights")
    draw = np.random.default_rng(0)
    for first in range(0, LABELS + 20, 20):
        smooth = draw.integers(0, 256, (20, 3, 16, 16), np.uint8)
        pixels = smooth.repeat(px // 16, axis=2).repeat(px // 16, axis=3)
        noise = draw.integers(0, 8, pixels.shape, np.uint8)
        write_shard(folder / "images", first // 20, range(first, first + 20), pixels // 2 + noise)
    known = ("--generator", folder / "generator.bin", "--generations", folder / "images")
    words = (*known, "--labels", folder / "labels.jsonl", "--rater", "ann")
    return Served("label_generations", "serve", *words)


if __name__ == "__main__":
    main()
