"""Intervals and agreement against published tables."""

import pytest

from artifact_units.judging.statistics import fleiss_kappa, wilson


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_that_of_newcombes_table(successes, count, low, high):
    found = wilson(successes / count, count)
    assert found == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_an_interval_mirrors_and_says_nothing_of_no_case():
    low, high = wilson(0.2, 30)
    assert wilson(0.8, 30) == (pytest.approx(1 - high), pytest.approx(1 - low))
    assert wilson(1.0, 5)[1] == 1.0
    assert wilson(0.0, 0) == (0.0, 1.0)


# Fleiss' kappa of 14 raters on 10 cases in 5 categories, the much printed example: .210.
PRINTED = """
0 0 0 0 14
0 2 6 4 2
0 0 3 5 6
0 3 9 2 0
2 2 8 1 1
7 7 0 0 0
3 2 6 3 0
2 5 3 2 2
6 5 2 1 0
0 2 2 3 7
"""


def test_fleiss_kappa_is_that_of_the_printed_example():
    rows = [map(int, line.split()) for line in PRINTED.split("\n") if line]
    counts = [{str(place): n for place, n in enumerate(row)} for row in rows]
    assert fleiss_kappa(counts) == pytest.approx(0.210, abs=5e-4)


def test_fleiss_kappa_knows_full_and_no_agreement_and_what_says_nothing():
    assert fleiss_kappa([{"a": 3}, {"b": 3}]) == 1
    assert fleiss_kappa([{"a": 1, "b": 1}, {"a": 1, "b": 1}]) == -1
    assert fleiss_kappa([{"a": 3}, {"a": 3}]) is None
    assert fleiss_kappa([]) is None


@pytest.mark.parametrize("counts", [[{"a": 3}, {"a": 2}], [{"a": 1}, {"b": 1}]])
def test_fleiss_kappa_is_of_as_many_raters_everywhere(counts):
    with pytest.raises(ValueError, match="same raters, at least two"):
        fleiss_kappa(counts)
