"""The labelling page in a real browser, against a server that is killed under it."""

import http.server
import os
import re
import threading
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
from house import ROOT
from playwright.sync_api import Page, expect
from small_labelling import lines, write_problem

from artifact_units.files.storage import sha256_of
from artifact_units.labelling.pages import AHEAD
from artifact_units.labels.verdicts import Verdict, lines_of, read_verdicts, settle

if ABSENT:
    pytest.skip("no chromium; apt-get install chromium", allow_module_level=True)


class Server(Served):
    """The page as the rater ann starts it, on a small problem unless another is shown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.labels = folder / "labels.jsonl"
        super().__init__()
        self.show(folder / "generator.bin", folder / "images")

    def show(self, generator: Path, generations: Path) -> None:
        """Another checkpoint and its generations."""
        self.checkpoint = sha256_of(generator)
        given = ("--generator", generator, "--generations", generations, "--labels", self.labels)
        self.words = ("label_generations", "serve", *given, "--rater", "ann")


@pytest.fixture
def server(tmp_path):
    write_problem(tmp_path, 40)
    served = Server(tmp_path)
    yield served
    served.stop()


def shown(page: Page, generation: int) -> None:
    expect(page.locator("#frame")).to_have_attribute("data-shown", str(generation))
    expect(page.locator("#frame img")).to_have_attribute("alt", f"Generation {generation}")


def saved(page: Page) -> None:
    """Wait until it is: the next generation is shown before."""
    expect(page.locator("body[data-unsaved]")).to_have_count(0)


def progress(page: Page, text: str) -> None:
    expect(page.locator("#progress")).to_have_text(text)


def test_thirty_generations_are_labelled_by_keyboard_and_survive_kill(server, open_page, troubles):
    page = open_page(server.start())
    assert "token" not in page.url
    for generation in range(30):
        shown(page, generation)
        page.keyboard.press("1" if generation % 3 == 0 else "2")
    progress(page, "30 of 40, 33 % artifact")
    page.keyboard.press("z")
    shown(page, 29)
    progress(page, "29 of 40, 34 % artifact")
    page.reload()
    shown(page, 29)
    page.keyboard.press("3")
    progress(page, "30 of 40, 34 % artifact")
    server.kill()
    server.start()
    page.reload()
    progress(page, "30 of 40, 34 % artifact")
    shown(page, 30)
    unanswered(troubles)
    given = settle(read_verdicts(server.labels))
    wanted = {i: "artifact" if i % 3 == 0 else "normal" for i in range(29)}
    assert {i: label for i, (label, _) in given.items()} == wanted


def test_no_verdict_is_taken_of_a_picture_that_is_not_seen(server, open_page):
    page = open_page(server.start())
    shown(page, 0)
    with held_back(page, "**/images/20.png*"):
        page.goto(page.url.replace("id=0", "id=20"), wait_until="commit")
        expect(page.locator("#id")).to_have_value("20")
        page.set_viewport_size({"width": 800, "height": 700})
        page.keyboard.press("1")
    shown(page, 20)
    page.keyboard.press("2")
    shown(page, 21)
    saved(page)
    assert [(line["id"], line["verdict"]) for line in lines(server.labels)] == [(20, "normal")]


def test_a_picture_that_did_not_come_is_told_and_asked_for_again(server, open_page, troubles):
    page = open_page(server.start())
    shown(page, 0)
    page.route("**/images/20.png*", lambda asked: asked.abort(), times=1)
    page.goto(page.url.replace("id=0", "id=20"))
    expect(page.locator("#said")).to_have_text(
        "The picture of generation 20 did not come. Is the server running?"
    )
    page.keyboard.press("1")  # of nothing
    page.keyboard.press("ArrowRight")
    shown(page, 21)
    page.keyboard.press("ArrowLeft")
    shown(page, 20)
    assert not server.labels.exists() or lines(server.labels) == []
    unanswered(troubles)


def test_keys_may_be_faster_than_answers(server, open_page):
    page = open_page(server.start())
    with held_back(page, "**/verdicts"):
        for generation in range(AHEAD + 1):
            shown(page, generation)
            page.keyboard.press("1")
        page.keyboard.press("2")  # no more are known as yet
    progress(page, f"{AHEAD + 1} of 40, 100 % artifact")
    shown(page, AHEAD + 1)
    assert [line["id"] for line in lines(server.labels)] == list(range(AHEAD + 1))


def test_what_was_acknowledged_before_a_kill_is_there_and_the_rest_is_sent_again(
    server, open_page, troubles
):
    page = open_page(server.start())
    shown(page, 0)
    page.keyboard.press("1")
    progress(page, "1 of 40, 100 % artifact")
    shown(page, 1)
    server.kill()
    page.keyboard.press("2")  # nobody hears it
    expect(page.locator("#trouble")).to_contain_text("Not saved. The server does not answer")
    progress(page, "1 of 40, 100 % artifact")
    page.keyboard.press("2")  # and nothing more is taken
    with server.labels.open("a") as file:
        file.write('{"id": 5, "che')  # as if the machine had stopped within a line
    server.start()
    page.get_by_role("button", name="Try again").click()
    progress(page, "2 of 40, 50 % artifact")
    expect(page.locator("#trouble")).to_be_hidden()
    assert [(line["id"], line["verdict"]) for line in lines(server.labels)] == [
        (0, "artifact"),
        (1, "normal"),
    ]
    assert troubles
    unanswered(troubles)


def test_two_tabs_on_one_file_lose_nothing(server, open_page):
    address = server.start()
    ann, bob = open_page(address), open_page(address.replace("?", "?rater=bob&"))
    for _ in range(8):
        for page, key in ((ann, "1"), (bob, "2")):
            shown(page, int(page.locator("#id").input_value()))
            page.keyboard.press(key)
    for page in (ann, bob):
        saved(page)
    said = [(line["rater"], line["verdict"]) for line in lines(server.labels)]
    assert sorted(said) == [("ann", "artifact")] * 8 + [("bob", "normal")] * 8
    by_rater = {(line["rater"], line["id"]) for line in lines(server.labels)}
    assert len(by_rater) == 16


def test_a_second_server_on_the_file_says_so_in_one_line(server):
    server.start()
    other = Server(server.folder)
    with pytest.raises(AssertionError, match=r"labels\.jsonl: another server or import has it"):
        other.start()
    assert other.process.wait() == 1


def test_a_foreign_page_changes_nothing(server, open_page, browser, tmp_path):
    address = server.start()
    page = open_page(address)
    page.keyboard.press("1")
    progress(page, "1 of 40, 100 % artifact")
    root = address.split("?")[0]
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "index.html").write_text(
        f"<form method=post action='{root}verdicts'><input name=id value=3></form>"
        f"<img id=seen src='{root}images/0.png'>"
    )
    handler = http.server.SimpleHTTPRequestHandler
    handler = type("Quiet", (handler,), {"log_message": lambda *_: None})
    evil = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *a: handler(*a, directory=str(tmp_path / "evil"))
    )
    threading.Thread(target=evil.serve_forever, daemon=True).start()
    try:
        tab = page.context.new_page()  # with the cookie: browsers tell no ports apart
        tab.goto(f"http://127.0.0.1:{evil.server_port}/")
        send = """root => fetch(root + "verdicts", {method: "POST", credentials: "include",
            mode: "no-cors", body: '{"id": 3, "rater": "ann", "verdict": "normal"}'})
            .catch(() => "not even its answer is shown")"""
        tab.evaluate(send, root)
        assert tab.eval_on_selector("#seen", "image => image.naturalWidth") == 0
        tab.eval_on_selector("form", "form => form.submit()")
        expect(tab.locator("body")).to_contain_text("own page")
    finally:
        evil.shutdown()
        evil.server_close()
    assert len(lines(server.labels)) == 1


def test_a_box_is_drawn_saved_and_shown_again(server, open_page):
    page = open_page(server.start())
    shown(page, 0)
    page.keyboard.press("b")
    drag(page, (2.5, 3.5), (5.5, 4.5))
    expect(page.locator("#marked")).to_contain_text("3.1 % of the image is marked")
    page.keyboard.press("1")
    shown(page, 1)
    expect(page.locator("#marked")).to_contain_text("Nothing is marked")
    saved(page)
    (line,) = lines(server.labels)
    assert line["mask"] == {"px": 16, "runs": [3 * 16 + 2, 4, 4 * 16 + 2, 4]}
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowLeft")
    shown(page, 0)
    expect(page.locator("#marked")).to_contain_text("3.1 %")
    expect(page.locator('[data-verdict="artifact"]')).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("e")
    drag(page, (2.5, 3.5), (5.5, 3.5))
    page.keyboard.press("p")
    drag(page, (10.5, 10.5), (10.5, 10.5))
    page.keyboard.press("1")
    shown(page, 1)
    saved(page)
    rows = {start // 16 for start in lines(server.labels)[-1]["mask"]["runs"][::2]}
    assert 10 in rows
    assert 3 not in rows


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From one place to another, in pixels of the image."""
    box = page.locator("#paint").bounding_box()
    assert box is not None
    scale = box["width"] / 16
    page.mouse.move(box["x"] + start[0] * scale, box["y"] + start[1] * scale)
    page.mouse.down()
    page.mouse.move(box["x"] + end[0] * scale, box["y"] + end[1] * scale)
    page.mouse.up()


def test_kinds_are_named_by_key_and_field_and_have_their_key_after_a_restart(server, open_page):
    page = open_page(server.start())
    shown(page, 0)
    page.keyboard.press("k")
    page.keyboard.type("Dark  blotch")
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="dark blotch 4")
    expect(button).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("1")
    shown(page, 1)
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#said")).to_have_text("Generation 0: artifact, dark blotch. Saved.")
    page.keyboard.press("4")
    page.keyboard.press("2")  # a normal one has no kind
    shown(page, 2)
    saved(page)
    server.kill()
    server.start()
    page.reload()
    shown(page, 2)
    page.keyboard.press("4")
    page.keyboard.press("1")
    shown(page, 3)
    saved(page)
    assert [line.get("kinds") for line in lines(server.labels)] == [
        ["dark blotch"], None, ["dark blotch"]
    ]  # fmt: skip


def test_pixels_stay_sharp_at_every_zoom(server, open_page):
    page = open_page(server.start())
    shown(page, 0)
    image = page.locator("#frame img")
    assert image.evaluate("e => getComputedStyle(e).imageRendering") == "pixelated"
    sizes = []
    for key in ("0", "+", "-", "-", "0"):
        page.keyboard.press(key)
        sizes.append(image.evaluate("e => e.getBoundingClientRect().width"))
    assert all(size % 16 == 0 for size in sizes)
    assert sizes[1:4] == [64 * 16, 32 * 16, 16 * 16]  # 64 is the largest
    assert sizes[4] == sizes[0]


def test_before_and_after_are_toggled_where_there_is_a_correction(server, open_page):
    write_problem(server.folder / "after", 2, first=0)
    server.words += ("--corrected", server.folder / "after" / "images")
    page = open_page(server.start())
    shown(page, 0)
    page.keyboard.press("c")
    expect(page.locator("#frame img")).to_have_attribute("alt", "Generation 0 after correction")
    page.keyboard.press("c")
    shown(page, 0)
    page.goto(re.sub("id=0", "id=2", page.url))
    shown(page, 2)
    expect(page.locator("#corrected")).to_be_disabled()


def test_one_jumps_to_a_generation_and_goes_on_from_there(server, open_page, troubles):
    page = open_page(server.start())
    shown(page, 0)
    page.keyboard.press("g")
    page.keyboard.type("25")  # digits in the field are no verdicts
    page.keyboard.press("Enter")
    shown(page, 25)
    page.keyboard.press("2")
    shown(page, 26)
    saved(page)
    page.keyboard.press("g")
    page.keyboard.type("400")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("generation 400 is not here; there are 40")
    assert len(lines(server.labels)) == 1
    assert "404" in troubles.pop()


def test_the_grid_is_labelled_by_keyboard_and_by_click(server, open_page):
    page = open_page(server.start())
    page.get_by_role("link", name="Grid").click()
    tile = page.locator("#tiles a")
    expect(tile.nth(0)).to_be_focused()
    for key in ("1", "2", "ArrowDown", "3"):
        page.keyboard.press(key)
    progress(page, "3 of 40, 50 % artifact")
    page.get_by_label("artifact 1").check()
    tile.nth(39).click()
    progress(page, "4 of 40, 67 % artifact")
    page.get_by_role("button", name="Undo").click()
    progress(page, "3 of 40, 50 % artifact")
    said = [(line["id"], line["verdict"]) for line in lines(server.labels)]
    below = said[2][0]
    assert said == [
        (0, "artifact"), (1, "normal"), (below, "unsure"), (39, "artifact"), (39, "undo")
    ]  # fmt: skip
    assert below > 3


def test_disagreements_are_settled_in_the_page(server, open_page):
    address = server.start()
    for rater, key in (("ann", "1"), ("bob", "2")):
        page = open_page(f"{address}&rater={rater}&id=4")
        shown(page, 4)
        page.keyboard.press(key)
        expect(page.locator("#said")).to_contain_text("Saved")
    page.get_by_role("link", name="Agreement").click()
    expect(page.locator("#said")).to_have_text("1 to settle.")
    page.get_by_role("button", name="Normal").click()
    expect(page.locator("#said")).to_have_text("0 to settle.")
    expect(page.locator(".settled")).to_have_text("Settled: normal")
    page.reload()
    expect(page.locator(".settled")).to_have_text("Settled: normal")
    assert settle(read_verdicts(server.labels)) == {4: ("normal", 2)}


@pytest.mark.parametrize(("view", "script"), [("", "single"), ("grid", "grid")])
def test_nothing_is_clicked_in_vain_before_the_script_is_there(server, open_page, view, script):
    page = open_page(server.start())
    with held_back(page, f"**/static/{script}.js"):
        page.goto(page.url.split("?")[0] + view, wait_until="commit")
        ignored(page.get_by_role("button", name="Undo"))
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#said")).to_have_text("There is nothing to take back.")


def test_the_last_generation_is_the_end(server, open_page):
    checkpoint = server.checkpoint
    server.labels.write_text(lines_of(Verdict(i, checkpoint, "ann", "normal") for i in range(39)))
    page = open_page(server.start())
    shown(page, 39)
    page.keyboard.press("1")
    expect(page.locator("#said")).to_contain_text("That was the last one.")
    progress(page, "40 of 40, 3 % artifact")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_view_fits_its_window_and_names_its_controls(server, open_page, scheme, width):
    address = server.start()
    page = open_page(address, width, color_scheme=scheme)
    for path in ("", "grid", "agreement"):
        page.goto(address.split("?")[0] + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(NAMELESS) == []
        assert page.evaluate(CONTRASTS) == []


def test_the_pictures_of_the_docs_are_of_the_page(server, open_page, tmp_path):
    """`make screenshots` has them taken of the default run, for docs/pictures."""
    folder = Path(os.environ.get(PICTURES) or tmp_path)
    given = {i: "artifact" if i % 3 else "normal" for i in range(20)}
    if PICTURES in os.environ:
        results = ROOT / "results"
        server.show(
            results / "plant_defects/generator.safetensors",
            results / "sample_generations/labelled",
        )
        annotated = read_verdicts(results / "annotate_generations/labels.jsonl")
        given = {v.id: v.verdict for v in annotated if v.id < 412}
    checkpoint = server.checkpoint
    verdicts = [Verdict(i, checkpoint, "ann", verdict) for i, verdict in given.items()]
    for i in [i for i in given if i % 7 == 0]:  # bob is shown some of them, and errs in a few
        other = {"artifact": "normal", "normal": "artifact"}[given[i]]
        verdicts.append(Verdict(i, checkpoint, "bob", other if i % 4 == 3 else given[i]))
    server.labels.write_text(lines_of(verdicts))
    root = server.start()
    page = open_page(root)
    shown(page, len(given))
    page.set_viewport_size({"width": 1280, "height": 760})
    page.keyboard.press("b")
    drag(page, (1.3, 1.4), (3.6, 3.8))
    take(page, folder / "labelling-single.png")
    for name in ("grid", "agreement"):
        page.goto(root.split("?")[0] + name)
        page.wait_for_load_state("networkidle")
        take(page, folder / f"labelling-{name}.png")
    page = open_page(root, color_scheme="dark")
    shown(page, len(given))
    page.set_viewport_size({"width": 390, "height": 760})
    take(page, folder / "labelling-phone.png")
