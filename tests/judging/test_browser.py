"""The judging page in a real browser, against a server that is killed under it."""

import json
import os
from pathlib import Path

import pytest
from browsing import (
    ABSENT,
    CONTRASTS,
    NAMELESS,
    PICTURES,
    Served,
    held_back,
    ignored,
    take,
    unanswered,
)
from click.testing import CliRunner
from house import ROOT
from playwright.sync_api import Page, expect
from small_judging import CORRECTIONS, COUNTS, write_sets

from artifact_units.judging.judgements import latest, read_judgements
from steps.judge_corrections import main

if ABSENT:
    pytest.skip("no chromium; apt-get install chromium", allow_module_level=True)

TOTAL = sum(COUNTS.values())
OPTIONS = ["--artifacts", "10", "--normals", "6", "--controls", "4", "--rater", "ann"]


@pytest.fixture
def server(tmp_path):
    write_sets(tmp_path)
    served = served_of(tmp_path, tmp_path / "judgements.jsonl", OPTIONS)
    yield served
    served.stop()


def served_of(corrections: Path, judgements: Path, options: list[str]) -> Served:
    """The page as a person starts it."""
    places = zip(("--before", "--after", "--control"), CORRECTIONS, strict=True)
    folders = [word for option, name in places for word in (option, corrections / name)]
    words = [*folders, "--judgements", judgements, *options]
    return Served("judge_corrections", "serve", *words)


def shown(page: Page, pair: int | str) -> None:
    expect(page.locator("body")).to_have_attribute("data-shown", str(pair))


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def given(tmp_path: Path) -> list[dict]:
    text = (tmp_path / "judgements.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_every_pair_is_judged_by_keyboard_through_reload_undo_and_kill_and_settled(
    server, open_page, troubles, tmp_path
):
    page = open_page(server.start())
    assert "token" not in page.url
    for pair in range(8):
        shown(page, pair)
        expect(page.locator("#progress")).to_have_text(f"{pair} of {TOTAL} pairs")
        press(page, "1", "ArrowRight", "1")
    shown(page, 8)
    press(page, "z")  # the pair before
    shown(page, 7)
    press(page, "4", "2", "z", "1", "2")  # within a pair: the answer before
    shown(page, 8)
    assert [line.get("undo", False) for line in given(tmp_path)] == [False] * 8 + [True, False]
    assert given(tmp_path)[-1]["artifact"] == "neither"
    assert (given(tmp_path)[-1]["better"], given(tmp_path)[-1]["same"]) == ("left", False)
    press(page, "1")
    page.reload()  # a pair that is not complete begins anew
    shown(page, 8)
    assert page.locator("[aria-pressed=true]").count() == 0
    server.kill()
    server.start()
    page.reload()
    for pair in range(8, TOTAL):
        shown(page, pair)
        press(page, "4", "ArrowLeft", "1")
    shown(page, "done")
    expect(page.locator("#done")).to_contain_text("That was the last pair.")
    press(page, "1", "1", "1")  # there is nothing to judge any more
    expect(page.locator("#trouble")).to_be_hidden()
    judged = latest(read_judgements(tmp_path / "judgements.jsonl"))
    assert len(judged) == TOTAL
    words = ["--judgements", tmp_path / "judgements.jsonl", "--out", tmp_path / "judged.parquet"]
    words += ["--metrics", tmp_path / "metrics.json"]
    done = CliRunner().invoke(main, ["settle", *map(str, words)])
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "metrics.json").read_text())["sequential"]
    assert found["all"]["left"]["value"] == pytest.approx((TOTAL - 7) / TOTAL, rel=1e-5)
    assert found["by_rater"]["ann"]["passed"]["side"] is False
    unanswered(troubles)


def test_what_was_not_saved_is_said_and_sent_again(server, open_page, troubles, tmp_path):
    page = open_page(server.start())
    shown(page, 0)
    press(page, "1", "1", "1")
    shown(page, 1)
    server.kill()
    press(page, "2", "2", "2")  # nobody hears it
    expect(page.locator("#trouble")).to_contain_text("Not saved. The server does not answer")
    press(page, "1", "z")  # and nothing more is taken
    with (tmp_path / "judgements.jsonl").open("a") as file:
        file.write('{"kind": "art')  # as if the machine had stopped within a line
    server.start()
    page.get_by_role("button", name="Try again").click()
    shown(page, 2)
    expect(page.locator("#trouble")).to_be_hidden()
    assert [line["artifact"] for line in given(tmp_path)] == ["left", "right"]
    assert troubles
    unanswered(troubles)


def test_two_tabs_of_two_raters_lose_nothing_and_a_second_server_says_so(
    server, open_page, tmp_path
):
    address = server.start()
    tabs = [open_page(address), open_page(address.replace("?", "?rater=bob&"))]
    for pair in range(3):
        for page in tabs:
            shown(page, pair)
            press(page, "3", "1", "2")
    for page in tabs:
        shown(page, 3)
    assert sorted(line["rater"] for line in given(tmp_path)) == ["ann"] * 3 + ["bob"] * 3
    second = served_of(tmp_path, tmp_path / "judgements.jsonl", OPTIONS)
    with pytest.raises(AssertionError, match=r"judgements\.jsonl: another server or import has it"):
        second.start()


def test_a_pair_is_judged_by_mouse_in_any_order(server, open_page, tmp_path):
    page = open_page(server.start())
    shown(page, 0)
    page.get_by_role("group", name="Do both show the same scene?").get_by_text("No").click()
    page.get_by_role("group", name="Which looks better?").get_by_text("Right").click()
    expect(page.locator(".current")).to_contain_text("Which shows an artifact?")
    page.get_by_role("group", name="Which shows an artifact?").get_by_text("Both").click()
    shown(page, 1)
    (line,) = given(tmp_path)
    assert (line["artifact"], line["better"], line["same"]) == ("both", "right", False)
    page.get_by_role("button", name="Undo").click()
    shown(page, 0)


def test_nothing_is_clicked_in_vain_before_the_script_is_there(server, open_page):
    page = open_page(server.start())
    answer = page.get_by_role("group", name="Which shows an artifact?").get_by_text("Both")
    with held_back(page, "**/static/page.js"):
        page.reload(wait_until="commit")
        ignored(answer)
    answer.click()
    expect(page.locator(".current")).to_contain_text("Which looks better?")


def test_the_two_pictures_have_one_size_and_sharp_pixels(server, open_page):
    page = open_page(server.start())
    shown(page, 0)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        boxes = [image.bounding_box() for image in page.locator(".stage img").all()]
        assert len(boxes) == 2
        sizes = {box[side] for box in boxes if box for side in ("width", "height")}
        assert len(sizes) == 1
        assert sizes.pop() % 16 == 0
        assert len({box["y"] for box in boxes if box}) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_its_window_and_names_its_controls(server, open_page, scheme, width):
    page = open_page(server.start(), width, color_scheme=scheme)
    shown(page, 0)
    press(page, "2")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(CONTRASTS) == []


@pytest.fixture
def pictured(tmp_path):
    """A server of the default run where its pictures are taken, else of a small one."""
    corrections = tmp_path
    if PICTURES in os.environ:
        corrections = ROOT / "results/correct_generations"
    else:
        write_sets(tmp_path)
    served = served_of(corrections, tmp_path / "judgements.jsonl", ["--rater", "ann"])
    yield served
    served.stop()


def test_the_pictures_of_the_docs_are_of_the_page(pictured, open_page, tmp_path):
    """`make screenshots` has them taken of the default run, for docs/pictures."""
    folder = Path(os.environ.get(PICTURES) or tmp_path)
    address = pictured.start()
    for name, width, height, scheme in (
        ("judging", 1280, 760, "light"),
        ("judging-phone", 390, 760, "dark"),
    ):
        page = open_page(address, width, color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": height})
        for pair in (0, 1, 2) if width == 1280 else ():
            shown(page, pair)
            press(page, "4", "2", "1")
        shown(page, 3)
        press(page, "1")
        take(page, folder / f"{name}.png")
