"""The page of a run in a real browser: from a file, by keyboard, on a phone, without a script."""

import os
from pathlib import Path

import pytest
from browsing import ABSENT, CONTRASTS, NAMELESS, PICTURES, take
from house import ROOT
from PIL import Image
from small_results import params, write_results

from artifact_units.report.data import Results
from artifact_units.report.page import contents, page

if ABSENT:
    pytest.skip("no chromium; apt-get install chromium", allow_module_level=True)

CUT = "getComputedStyle(document.querySelector('.compare .after')).clipPath"
SHOWN = "[...document.querySelectorAll('.compare img')].map(i => i.alt.match(/\\d+/)[0])"
WIDER = "document.documentElement.scrollWidth > innerWidth"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browsed")
    file = folder / "report.html"
    file.write_text(page(contents(Results(*write_results(folder), params()))), encoding="utf-8")
    return file.as_uri()


def side_by_side(window):
    before, after = (
        window.locator(f".compare .{name}").bounding_box() for name in ("before", "after")
    )
    return before["x"] + before["width"] <= after["x"] and before["y"] == after["y"]


def test_the_slider_goes_from_corrected_to_original_by_keyboard(open_page, report):
    window = open_page(report)
    slider = window.locator(".compare input")
    slider.focus()
    assert window.evaluate(CUT) == "inset(0px 0px 0px 50%)"
    window.keyboard.press("ArrowRight")
    assert window.evaluate(CUT) == "inset(0px 0px 0px 51%)"
    assert slider.evaluate("e => e.ariaValueText") == "51 % original"
    window.keyboard.press("End")
    assert window.evaluate(CUT) == "inset(0px 0px 0px 100%)"
    window.keyboard.press("Home")
    assert window.evaluate(CUT) == "inset(0px 0px 0px 0%)"  # all of the corrected one


def test_another_generation_is_chosen_by_keyboard(open_page, report):
    window = open_page(report)
    assert window.evaluate(SHOWN) == ["2000005", "2000005"]
    window.locator(".pair").nth(2).focus()
    window.keyboard.press("Enter")
    assert window.evaluate(SHOWN) == ["2000003", "2000003"]
    assert window.locator(".which").inner_text() == "2000003"
    assert window.locator('.pair[aria-pressed="true"]').get_attribute("data-id") == "2000003"


def test_without_a_script_both_pictures_stand_side_by_side(open_page, report):
    window = open_page(report, java_script_enabled=False)
    assert side_by_side(window)
    assert not window.locator(".compare input").is_visible()


def test_paper_shows_both_pictures_side_by_side(open_page, report):
    window = open_page(report)
    assert not side_by_side(window)
    window.emulate_media(media="print")
    assert side_by_side(window)
    assert window.evaluate(CUT) == "none"
    assert not window.locator(".compare input").is_visible()


@pytest.mark.parametrize("width", [320, 390, 800, 1280])
def test_the_page_is_never_wider_than_the_window(open_page, report, width):
    assert not open_page(report, width).evaluate(WIDER)


def test_on_a_phone_no_first_column_hides_the_others(open_page, report):
    columns = (
        open_page(report, 390)
        .locator("tbody th")
        .evaluate_all("all => all.map(e => e.offsetWidth)")
    )
    assert max(columns) < 390 / 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_and_controls_have_names(open_page, report, scheme):
    window = open_page(report, color_scheme=scheme)
    assert window.evaluate(CONTRASTS) == []
    assert window.evaluate(NAMELESS) == []


def test_the_policy_refuses_any_other_script(open_page, report, troubles):
    window = open_page(report)
    window.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'found = 1'}))"
    )
    assert window.evaluate("typeof found") == "undefined"
    assert "Content Security Policy" in troubles.pop()


def test_pictures_of_the_docs_are_of_the_page(open_page, report, tmp_path):
    """`make screenshots` has them taken of the default run, for docs/pictures."""
    folder = Path(os.environ.get(PICTURES) or tmp_path)
    if PICTURES in os.environ:
        report = (ROOT / "results/report/report.html").as_uri()
    take(open_page(report), folder / "report.png")
    take(open_page(report, 390), folder / "report-phone.png")
    with Image.open(folder / "report.png") as picture:
        assert picture.mode == "RGB"  # a palette would band the skies
