from pathlib import Path

import pytest

from artifact_units.errors import UserError
from artifact_units.labels.splits import check_checkpoint, check_labels, stratified
from artifact_units.labels.verdicts import Verdict

LABELS = ["artifact"] * 40 + ["normal"] * 160
FILE = Path("labels.jsonl")


def split(ids, labels, **changed):
    return stratified(ids, labels, **{"validation": 0.15, "test": 0.25, "seed": 0, **changed})


def test_every_label_is_split_in_the_same_shares():
    splits = split(range(200), LABELS)
    # 0.15 and 0.25 of 40 and of 160.
    assert [splits[:40].count(s) for s in ("train", "validation", "test")] == [24, 6, 10]
    assert [splits[40:].count(s) for s in ("train", "validation", "test")] == [96, 24, 40]


def test_a_split_depends_on_the_ids_and_not_on_their_order():
    forwards = dict(zip(range(200), split(range(200), LABELS), strict=True))
    backwards = dict(zip(range(199, -1, -1), split(range(199, -1, -1), LABELS[::-1]), strict=True))
    assert forwards == backwards


def test_another_seed_is_another_split():
    assert split(range(200), LABELS) != split(range(200), LABELS, seed=1)


def test_one_more_label_moves_at_most_those_at_the_borders():
    before = split(range(200), LABELS)
    after = split(range(201), [*LABELS, "normal"])
    assert sum(a != b for a, b in zip(before, after, strict=False)) <= 2


def test_shares_that_leave_nothing_to_train_on_are_refused():
    with pytest.raises(UserError, match=r"0\.5 \+ test 0\.5 leaves nothing"):
        split(range(200), LABELS, validation=0.5, test=0.5)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([], "holds no settled label"),
        (["normal"] * 9, "none of 9 labels is artifact"),
        (["artifact"] * 9, "all 9 labels are artifact"),
        (["artifact"] * 4 + ["normal"] * 9, "4 generations are labelled artifact, .* is 5"),
        (["artifact"] * 9 + ["normal"] * 4, "4 generations are labelled normal, .* is 5"),
    ],
)
def test_labels_that_cannot_be_trained_on_are_refused_in_one_line(labels, said):
    with pytest.raises(UserError, match=said) as caught:
        check_labels(labels, 5, FILE)
    assert "\n" not in str(caught.value)


def test_just_enough_labels_are_accepted():
    check_labels(["artifact"] * 5 + ["normal"] * 5, 5, FILE)


def test_verdicts_on_another_checkpoint_are_refused_with_the_generation():
    verdicts = [Verdict(3, "a" * 64, "r", "normal"), Verdict(8, "b" * 64, "r", "artifact")]
    check_checkpoint(verdicts[:1], "a" * 64, FILE)
    with pytest.raises(UserError, match=r"generation 8 .* bbbbbbbbbbbb, this generator is aaaaaa"):
        check_checkpoint(verdicts, "a" * 64, FILE)
