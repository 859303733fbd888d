"""Pages in a real browser: the server as a process, what goes wrong in a window, pictures."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from house import ROOT
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

PICTURES = "ARTIFACT_UNITS_PICTURES"  # a folder: the pictures of the docs are written there
TOKEN = "a-token-of-the-tests"
CHROMIUM = shutil.which("chromium")
expect.set_options(timeout=30_000)  # of a busy machine; what comes sooner is seen sooner
ABSENT = CHROMIUM is None and os.environ.get("CI") != "true"


class Served:
    """A step's page as a process of its own, at a port that stays the same."""

    def __init__(self, *words: object) -> None:
        self.words = words  # step, command and options
        self.port = 0

    def start(self) -> str:
        """Start it, and the address that it prints."""
        step, *words = map(str, self.words)
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"steps.{step}", *words, "--port", str(self.port)],
            cwd=ROOT,
            env={**os.environ, "ARTIFACT_UNITS_TOKEN": TOKEN},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        said = ""
        for line in self.process.stderr:  # ends where the process does
            said += line
            if found := re.search(r"open (http://[^/]+:(\d+)/\?token=\S+)", line):
                break
        else:
            self.process.communicate()
            raise AssertionError(said)
        self.port = int(found[2])
        return found[1]

    def kill(self) -> None:
        """``kill -9``."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> None:
        """As a person or a scheduler stops it."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without a window."""
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@contextmanager
def windows(browser: Browser, troubles: list[str]) -> Iterator[Callable[..., Page]]:
    """A function that opens an address in a window of its own; its troubles are noted."""
    contexts = []

    def open_one(address: str, width: int = 1280, **settings) -> Page:
        # Without motion: colours are looked at when they are what they will be.
        settings |= {"viewport": {"width": width, "height": 800}, "reduced_motion": "reduce"}
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        watch(page, address, troubles)
        page.goto(address)
        return page

    yield open_one
    for context in contexts:
        context.close()


def watch(page: Page, address: str, troubles: list[str]) -> None:
    """Note errors, what a policy refused, and requests to any other address."""
    own = address.split("?")[0]

    def request(asked):
        if not asked.url.startswith((own, "data:")):
            troubles.append(f"asked {asked.url}")

    page.on("console", lambda said: troubles.append(said.text) if said.type != "log" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", request)
    page.on("dialog", lambda dialog: dialog.accept())


@contextmanager
def held_back(page: Page, address: str) -> Iterator[None]:
    """What a page asks for at such an address does not come before the end."""
    held: list[Route] = []
    over = Event()
    page.route(address, lambda asked: asked.continue_() if over.is_set() else held.append(asked))
    yield
    while not held:
        page.wait_for_timeout(20)
    over.set()
    for asked in held:
        asked.continue_()


def ignored(control: Locator) -> None:
    """It is seen, and nobody can click it as yet."""
    expect(control).to_be_visible()
    assert control.evaluate("e => e.closest('[inert]') !== null")


def unanswered(troubles: list[str]) -> None:
    """Nothing went wrong but what a killed server was asked for."""
    assert all("net::ERR_" in said for said in troubles)
    troubles.clear()


def take(page: Page, path: Path) -> None:
    """A picture of what is seen, in all its colours."""
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").save(path, optimize=True)
    assert page.viewport_size is not None
    assert picture.size == tuple(page.viewport_size.values())


# Controls that a screen reader would have no name for.
NAMELESS = """[...document.querySelectorAll("button, a, input, progress")].filter(e =>
  !(e.textContent.trim() || e.ariaLabel || e.labels?.length || e.querySelector("img[alt]"))
).map(e => e.outerHTML)"""

# Text against what is behind it, by WCAG's formula: below 4.5 it is hard to read.
CONTRASTS = """(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
  };
  return [...document.querySelectorAll("body *")].filter((e) =>
    [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) &&
    e.getClientRects().length && !e.matches(":disabled, :disabled *, kbd, .hidden")
  ).map((e) => {
    const [a, b] = [rgb(getComputedStyle(e).color), behind(e)].map(light);
    return [e.outerHTML.slice(0, 80), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  }).filter(([, ratio]) => ratio < 4.5);
})()"""
