"""What the pages say and save, without a browser."""

import re

import pytest
from asking import HEADERS, client_of, state
from small_labelling import PX, lines, write_problem

from artifact_units.labelling.book import Book
from artifact_units.labelling.pages import AHEAD, TILES, Labelling
from artifact_units.serving import Journal, Pictures


@pytest.fixture
def page(tmp_path):
    write_problem(tmp_path, 130)
    write_problem(tmp_path / "after", 3, first=2)
    pictures, corrected = (Pictures(p / "images") for p in (tmp_path, tmp_path / "after"))
    journal = Journal(tmp_path / "labels.jsonl")
    book = Book(journal, "abc", pictures.ids, overlap=1.0)
    yield client_of(Labelling(book, pictures, corrected, "ann").app)
    journal.close()


def post(page, path, **message):
    return page.post(path, json={"rater": "ann", **message}, headers=HEADERS)


def test_the_page_starts_at_what_is_not_labelled_and_knows_what_comes(page):
    post(page, "/verdicts", id=0, verdict="normal")
    found = state(page.get("/").text)
    assert (found["id"], found["before"], found["after"]) == (1, 0, 2)
    assert [card["id"] for card in found["queue"]] == list(range(2, 2 + AHEAD))
    assert [card["corrected"] for card in found["queue"][:4]] == [True, True, True, False]


def test_a_verdict_is_a_line_and_the_counts_come_back(page, tmp_path):
    answer = post(page, "/verdicts", id=7, verdict="artifact").json()
    assert lines(tmp_path / "labels.jsonl") == [
        {"checkpoint": "abc", "id": 7, "rater": "ann", "verdict": "artifact"}
    ]
    assert answer["progress"] == {
        "labelled": 1, "total": 130, "yours": 1, "artifacts": 1, "decided": 1
    }  # fmt: skip
    assert answer["queue"][0]["id"] == 8


def test_progress_is_said_in_words(page):
    for generation in range(3):
        verdict = "artifact" if generation == 0 else "normal"
        post(page, "/verdicts", id=generation, verdict=verdict)
    assert "3 of 130, 33 % artifact<" in page.get("/").text
    assert "3 of 130, none decided, 0 by you<" in page.get("/?rater=bob").text


def test_a_mark_is_saved_with_its_verdict_and_shown_again(page, tmp_path):
    runs = [17, 3, 33, 3]
    mask = {"px": PX, "runs": runs}
    assert post(page, "/verdicts", id=4, verdict="artifact", mask=mask).status_code == 200
    assert lines(tmp_path / "labels.jsonl")[0]["mask"] == mask
    assert page.get("/generation?id=4").json()["mask"] == runs
    assert page.get("/generation?id=4&rater=bob").json()["mask"] is None


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"id": 1000}, "generation 1000 is not here"),
        ({"id": "../1"}, "a whole number"),
        ({"id": -1}, "a whole number"),
        ({"id": True}, "a whole number"),
        ({"id": None}, "a whole number"),
        ({"verdict": "ugly"}, "no such verdict"),
        ({"verdict": ["artifact"]}, "no such verdict"),
        ({"rater": ""}, "name"),
        ({"rater": "a\nb\x07"}, "name"),
        ({"mask": {"px": 32, "runs": [1, 1]}}, "mask is of 32 px, the images are of 16"),
        ({"mask": {"px": PX, "runs": []}}, "no list of runs"),
        ({"mask": {"px": PX, "runs": [250, 7]}}, "no list of runs"),
        ({"mask": {"px": PX, "runs": [5, 2, 4, 1]}}, "no list of runs"),
        ({"mask": {"px": PX, "runs": [5]}}, "no list of runs"),
        ({"mask": {"px": PX, "runs": [0, float("1e9")]}}, "no list of runs"),
        ({"mask": "x"}, "no list of runs"),
        ({"mask": {"px": PX, "runs": [1, 1]}, "verdict": "normal"}, "labelled artifact"),
    ],
)
def test_a_message_that_no_page_sends_is_refused_and_nothing_written(
    page, tmp_path, message, words
):
    answer = post(page, "/verdicts", **{"id": 1, "verdict": "artifact", **message})
    assert answer.status_code in (400, 404)
    assert answer.text.startswith("Error: ")
    assert words in answer.text
    assert (tmp_path / "labels.jsonl").read_text() == ""


@pytest.mark.parametrize("path", ["/verdicts", "/undo"])
def test_nothing_is_changed_from_elsewhere(page, tmp_path, path):
    post(page, "/verdicts", id=1, verdict="normal")
    message = {"rater": "ann", "id": 2, "verdict": "artifact"}
    for headers in ({**HEADERS, "origin": "http://evil.example"}, {"origin": "http://testserver"}):
        assert page.post(path, json=message, headers=headers).status_code == 403
    assert page.get(path).status_code == 405
    assert len(lines(tmp_path / "labels.jsonl")) == 1


def test_undo_shows_the_generation_again(page):
    post(page, "/verdicts", id=3, verdict="normal")
    answer = post(page, "/undo").json()
    assert (answer["id"], answer["verdict"], answer["progress"]["labelled"]) == (3, None, 0)
    assert post(page, "/undo").json() == {"id": None}


def test_the_grid_has_pages_and_shows_what_is_asked_for(page):
    post(page, "/verdicts", id=129, verdict="unsure")
    assert page.get("/grid").text.count("data-id=") == TILES
    assert page.get("/grid?page=99").text.count("data-id=") == 130 - TILES
    only = page.get("/grid?show=unsure").text
    assert re.findall(r'data-id="(\d+)" data-verdict="(\w+)"', only) == [("129", "unsure")]
    assert "None of the generations is artifact" in page.get("/grid?show=artifact").text
    assert page.get("/grid?show=x").status_code == 400
    assert page.get("/grid?page=x").status_code == 404


def test_disagreements_are_listed_with_kappa_and_settled(page):
    for rater, verdicts in {"ann": "aann", "bob": "anan"}.items():
        for generation, letter in enumerate(verdicts):
            verdict = {"a": "artifact", "n": "normal"}[letter]
            post(page, "/verdicts", id=generation, verdict=verdict, rater=rater)
    text = page.get("/agreement").text
    assert "<td>4</td><td>50 %</td><td>0.00</td>" in text
    assert re.findall(r'<li data-id="(\d+)" data-final="(\w*)">', text) == [("1", ""), ("2", "")]
    assert "2 to settle." in text
    post(page, "/verdicts", id=1, verdict="normal", final=True)
    text = page.get("/agreement").text
    found = re.findall(r'<li data-id="(\d+)" data-final="(\w*)">', text)
    assert found == [("2", ""), ("1", "normal")]
    assert "1 to settle." in text


def test_a_name_with_markup_in_it_stays_text(page):
    post(page, "/verdicts", id=1, verdict="normal", rater='"><img src=x>')
    for path in ("/", "/grid", "/agreement"):
        text = page.get(path, params={"rater": '"><img src=x>'}).text
        assert "<img src=x>" not in text


def test_images_before_and_after_are_other_files(page):
    assert page.get("/images/2.png").content != page.get("/corrected/2.png").content
    assert page.get("/corrected/1.png").status_code == 404


def test_kinds_are_saved_with_their_verdict_shown_again_and_compared(page, tmp_path):
    post(page, "/verdicts", id=4, verdict="artifact", kinds=["Grid", "blotch"])
    assert lines(tmp_path / "labels.jsonl")[0]["kinds"] == ["blotch", "grid"]
    assert page.get("/generation?id=4").json()["kinds"] == ["blotch", "grid"]
    assert "By kind" not in page.get("/agreement").text  # there is one rater
    post(page, "/verdicts", id=4, verdict="artifact", kinds=["grid"], rater="bob")
    assert re.findall(r'"row">(\w+)</th><td>ann and bob', page.get("/agreement").text) == [
        "blotch", "grid"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "message", [{"verdict": "normal"}, {"verdict": "artifact", "final": True}, {"kinds": ["a;b"]}]
)
def test_kinds_that_no_page_sends_are_refused_and_nothing_written(page, tmp_path, message):
    given = {"id": 4, "verdict": "artifact", "kinds": ["grid"], **message}
    assert post(page, "/verdicts", **given).status_code == 400
    assert lines(tmp_path / "labels.jsonl") == []
