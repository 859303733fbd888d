"""The verdicts of a labels file: what comes next, what counts, who agrees."""

import numpy as np
import pytest
import torch

from artifact_units.classifier.heatmaps import HeatmapSet
from artifact_units.errors import UserError
from artifact_units.evaluation.painted import mask_of, masks_by_id, overlap_with
from artifact_units.labelling.book import Book, Progress, most_uncertain_first
from artifact_units.labels.raters import cohens_kappa, disagreements, pairs, rater_name
from artifact_units.labels.verdicts import Painted, Verdict, finals, latest, read_verdicts, settle
from artifact_units.serving import Journal, Missing


@pytest.fixture
def opened(tmp_path):
    journals = []

    def open_book(order=range(4), overlap=0.0):
        for journal in journals:
            journal.close()
        journals[:] = [Journal(tmp_path / "labels.jsonl")]
        return Book(journals[0], "abc", list(order), overlap)

    yield open_book
    journals[0].close()


def said(generation, rater="ann", verdict="artifact", **more):
    return Verdict(generation, "abc", rater, verdict, **more)


def test_what_a_rater_has_not_labelled_comes_next_and_then_from_the_start(opened):
    book = opened()
    book.give(said(1))
    assert list(book.waiting("ann")) == [0, 2, 3]
    assert list(book.waiting("ann", after=2)) == [3, 0, 2]


def test_a_generation_that_somebody_labelled_is_shown_to_nobody_else_outside_the_overlap(opened):
    book = opened(range(200), overlap=0.5)
    for generation in range(200):
        book.give(said(generation))
    assert 70 < len(book.shared) < 130
    assert list(book.waiting("bob")) == sorted(book.shared)
    assert opened(range(200), overlap=0.5).shared == book.shared
    assert opened(range(200), overlap=1.0).shared == frozenset(range(200))


def test_undo_takes_back_the_last_verdict_then_the_one_before_also_after_a_restart(opened):
    book = opened()
    book.give(said(2))
    book.give(said(0))
    book.give(said(2, verdict="normal"))
    book.give(said(3, rater="bob"))
    book = opened()
    assert book.undo("ann") == 2
    assert book.verdict(2, "ann") is None
    assert opened().undo("ann") == 0
    book = opened()
    assert book.undo("ann") is None
    assert book.progress("ann") == Progress(1, 4, 0, 0, 0)


def test_progress_counts_everybodys_generations_and_ones_own_share(opened):
    book = opened()
    book.give(said(0))
    book.give(said(1, verdict="normal"))
    book.give(said(2, verdict="unsure"))
    book.give(said(0, rater="bob", verdict="normal"))
    assert book.progress("ann") == Progress(3, 4, yours=3, artifacts=1, decided=2)
    assert book.progress("bob") == Progress(3, 4, yours=1, artifacts=0, decided=1)
    assert book.raters == ["ann", "bob"]


def test_verdicts_on_another_image_set_of_the_checkpoint_stay_and_are_not_counted(opened):
    opened(range(4)).give(said(3))
    book = opened(range(10, 12))
    assert book.progress("ann").labelled == 0
    assert book.undo("ann") is None
    with pytest.raises(Missing, match="generation 3 is not here; there are 2"):
        book.give(said(3))


def test_verdicts_on_another_checkpoint_are_refused(tmp_path, opened):
    opened().journal.append({"id": 0, "checkpoint": "x", "rater": "a", "verdict": "normal"})
    with pytest.raises(UserError, match="labelled on checkpoint x, this generator is abc"):
        opened()


def test_a_final_verdict_settles_and_undo_opens_it_again(opened):
    book = opened()
    book.give(said(0))
    book.give(said(0, rater="bob", verdict="normal"))
    book.give(said(0, verdict="normal", final=True))
    assert (book.final, book.verdict(0, "ann")) == ({0: "normal"}, said(0))
    assert settle(read_verdicts(book.journal.path)) == {0: ("normal", 2)}
    book = opened()
    assert book.final == {0: "normal"}
    book.give(said(0, verdict="undo", final=True))
    assert book.final == finals(read_verdicts(book.journal.path)) == {}
    assert settle(read_verdicts(book.journal.path)) == {}
    assert book.undo("ann") == 0  # her own verdict, not the final one


def test_the_least_certain_come_first_and_what_was_not_classified_last():
    assert most_uncertain_first([1, 2, 3, 4], {1: 3.0, 2: -0.5, 4: 1.0}) == [2, 4, 1, 3]


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\x00b", None, 3])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(UserError, match="1 to 40 characters"):
        rater_name(name)


def test_a_name_is_trimmed():
    assert rater_name("  Ann  B. ") == "Ann B."


def test_kappa_is_that_of_the_textbook():
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: observed .7, chance .5 * .6 + .5 * .4 = .5
    both = [("a", "a")] * 20 + [("a", "n")] * 5 + [("n", "a")] * 10 + [("n", "n")] * 15
    assert cohens_kappa(both) == pytest.approx(0.4)
    assert cohens_kappa([("a", "n"), ("n", "a")]) == -1
    assert cohens_kappa([("a", "a")] * 3) is None
    assert cohens_kappa([]) is None


def test_raters_are_compared_on_what_both_decided():
    given = latest(
        [
            said(0), said(0, "bob"),
            said(1), said(1, "bob", "normal"),
            said(2, "ann", "normal"), said(2, "bob", "normal"),
            said(3), said(3, "bob", "unsure"),
            said(4, "cy"),
        ]
    )  # fmt: skip
    by_raters = {pair.raters: pair for pair in pairs(given)}
    assert list(by_raters) == [("ann", "bob"), ("ann", "cy"), ("bob", "cy")]
    pair = by_raters["ann", "bob"]
    assert (pair.both, pair.agreed) == (3, 2)
    assert pair.kappa == pytest.approx(0.4)  # (2/3 - 4/9) / (1 - 4/9)
    assert by_raters["ann", "cy"].kappa is None
    assert disagreements(given) == [1]


def test_a_painted_mask_is_the_pixels_of_its_runs_in_reading_order():
    mask = np.zeros((4, 4), bool)
    mask[1, 2:] = mask[2, :1] = mask[3, 3] = True
    assert np.array_equal(mask_of(Painted(4, ((6, 3), (15, 1)))), mask)
    with pytest.raises(ValueError, match="runs"):
        Painted(4, ())


def test_a_pixel_is_marked_where_half_of_the_painters_marked_it():
    verdicts = [
        said(0, mask=Painted(2, ((0, 2),))),
        said(0, "bob", mask=Painted(2, ((1, 2),))),
        said(0, "cy"),
        said(1, mask=Painted(2, ((0, 1),))),
        said(1, verdict="undo"),
    ]
    masks = masks_by_id(verdicts)
    assert list(masks) == [0]
    assert masks[0].tolist() == [[True, True], [True, False]]


def test_computed_masks_are_held_against_the_painted_ones():
    heatmaps = torch.tensor([[[1.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]]])
    said = HeatmapSet(np.array([5, 6]), torch.zeros(2, 3), heatmaps)
    painted = {6: np.array([[True, False], [False, False]]), 9: np.ones((2, 2), bool)}
    assert overlap_with(painted, said, 0.5).tolist() == [0.5]
    assert len(overlap_with({}, said, 0.5)) == 0
