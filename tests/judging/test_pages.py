"""What the page says and saves, and that it does not say which picture is which."""

import json
import re

import pytest
from asking import HEADERS, client_of, state
from small_judging import COUNTS, study_of, write_sets

from artifact_units.errors import UserError
from artifact_units.judging.book import Book
from artifact_units.judging.judgements import KINDS, latest, read_judgements
from artifact_units.judging.pages import AHEAD, Judging
from artifact_units.judging.study import choose_pairs
from artifact_units.serving import Journal

TOTAL = sum(COUNTS.values())
ANSWERS = {"artifact": "left", "better": "right", "same": True}


@pytest.fixture
def book(tmp_path):
    write_sets(tmp_path)
    study = study_of(tmp_path)
    journal = Journal(tmp_path / "judgements.jsonl")
    yield Book(journal, study, choose_pairs(study.ids, COUNTS, 0), 0)
    journal.close()


@pytest.fixture
def page(book):
    return client_of(Judging(book, "ann").app)


def post(page, path="/judgements", **message):
    return page.post(path, json={"rater": "ann", **message}, headers=HEADERS)


def test_the_page_starts_with_the_first_pair_and_knows_what_comes(page):
    first = {"pair": 0, "ahead": [1, 2, 3], "judged": 0, "total": TOTAL}
    assert AHEAD == 3
    assert state(page.get("/").text) == first
    assert post(page, pair=0, **ANSWERS).json() == {
        "pair": 1, "ahead": [2, 3, 4], "judged": 1, "total": TOTAL
    }  # fmt: skip
    assert state(page.get("/?rater=bob").text) == first


def test_a_judgement_is_a_line_that_says_what_was_where(page, book, tmp_path):
    post(page, pair=5, **ANSWERS)
    trial = book.trial("ann", 5)
    (line,) = map(json.loads, (tmp_path / "judgements.jsonl").read_text().splitlines())
    assert line == {
        "study": book.study.name,
        "correction": "sequential",
        "kind": trial.pair.kind,
        "id": trial.pair.id,
        "left": trial.left,
        "rater": "ann",
        **ANSWERS,
    }


def test_the_pictures_of_a_trial_are_left_and_right_as_planned(page, book):
    for number in range(TOTAL):
        trial = book.trial("ann", number)
        left, right = (page.get(f"/pictures/{2 * number + n}.png").content for n in (0, 1))
        swapped = trial.left == "after"
        assert left == book.study.png(trial.pair, "after" if swapped else "before")
        assert right == book.study.png(trial.pair, "before" if swapped else "after")
        assert (left == right) == (trial.pair.kind == "identical")


def test_nothing_but_the_pictures_tells_before_from_after_or_one_kind_from_another(page, book):
    words = {*KINDS, "before", "after", "none", "sequential", "random", "control", "identical"}
    headers = set()
    for number in range(TOTAL):
        text = page.get("/").text
        found = set(re.findall(r"[a-z]+", text.replace("an artifact?", "").lower()))
        assert not words & found
        assert str(book.trial("ann", number).pair.id) not in re.findall(r"\d+", text)
        for side in (0, 1):
            answer = page.get(f"/pictures/{2 * number + side}.png")
            headers.add(tuple((k, v) for k, v in answer.headers.items() if k != "content-length"))
        answer = post(page, pair=number, **ANSWERS)
        assert set(answer.json()) == {"pair", "ahead", "judged", "total"}
    assert len(headers) == 1
    assert state(page.get("/").text)["pair"] is None


def test_no_generation_can_be_asked_for_by_its_id_or_set(page):
    for path in ("/images/100.png", "/pictures/none/100.png", "/pictures/../none.png"):
        assert page.get(path).status_code == 404
    assert page.get(f"/pictures/{2 * TOTAL}.png").status_code == 404
    assert page.get("/pictures/-1.png").status_code == 404


def test_undo_takes_back_the_last_pair_then_the_one_before_also_after_a_restart(page, book):
    for number in (0, 1, 2):
        post(page, pair=number, **ANSWERS)
    assert post(page, "/undo").json()["pair"] == 2
    assert post(page, pair=2, **ANSWERS).json()["pair"] == 3
    assert post(page, "/undo").json()["pair"] == 2
    book.journal.close()
    again = Book(Journal(book.journal.path), book.study, book.pairs, 0)
    assert [again.undo("ann"), again.undo("ann"), again.undo("ann")] == [1, 0, None]
    again.journal.close()
    assert latest(read_judgements(book.journal.path)) == {}
    book.journal = Journal(book.journal.path)


def test_undo_of_nothing_shows_the_next_pair(page):
    assert post(page, "/undo").json()["pair"] == 0


def test_a_file_of_other_images_is_refused(book, tmp_path):
    line = {"study": "x" * 64, "correction": "c", "kind": "normals", "id": 1, "rater": "a"}
    book.journal.append({**line, "left": "after", **ANSWERS})
    with pytest.raises(UserError, match=r"of other images \(study xxxxxxxx"):
        Book(book.journal, book.study, book.pairs, 0)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"pair": TOTAL}, f"pair {TOTAL} is not here; there are {TOTAL}"),
        ({"pair": -1}, "a whole number"),
        ({"pair": "1"}, "a whole number"),
        ({"pair": True}, "a whole number"),
        ({"pair": None}, "a whole number"),
        ({"pair": 1.5}, "a whole number"),
        ({"artifact": "up"}, "artifact: no such answer"),
        ({"better": "both"}, "better: no such answer"),
        ({"better": None}, "better: no such answer"),
        ({"same": "yes"}, "same: no such answer"),
        ({"same": 1}, "same: no such answer"),
        ({"artifact": ["left"]}, "artifact: no such answer"),
        ({"rater": ""}, "name"),
        ({"rater": "a\x00b"}, "name"),
        ({"rater": "x" * 300_000}, "262144 bytes"),
    ],
)
def test_a_message_that_no_page_sends_is_refused_and_nothing_written(
    page, tmp_path, message, words
):
    answer = post(page, **{"pair": 1, **ANSWERS, **message})
    assert answer.status_code in (400, 404, 413)
    assert answer.text.startswith("Error: ")
    assert words in answer.text
    assert (tmp_path / "judgements.jsonl").read_text() == ""


@pytest.mark.parametrize("path", ["/judgements", "/undo"])
def test_nothing_is_changed_from_elsewhere(page, tmp_path, path):
    message = {"rater": "ann", "pair": 1, **ANSWERS}
    for headers in ({**HEADERS, "origin": "http://evil.example"}, {"origin": "http://testserver"}):
        assert page.post(path, json=message, headers=headers).status_code == 403
    assert page.get(path).status_code == 405
    assert (tmp_path / "judgements.jsonl").read_text() == ""


def test_a_name_with_markup_in_it_stays_text(page):
    assert "<img src=x>" not in page.get("/", params={"rater": '"><img src=x>'}).text


def test_the_address_of_a_picture_changes_with_the_study_and_the_seed(page, book):
    other = Book(book.journal, book.study, book.pairs, 1)
    assert Judging(book, "ann").version != Judging(other, "ann").version
