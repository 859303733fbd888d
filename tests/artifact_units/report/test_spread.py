"""Other trainings in the report: what they move, where their table is of this run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from small_results import params, write_results

from artifact_units.errors import UserError
from artifact_units.report.data import Results
from artifact_units.report.page import contents, page

# What small_results measures: 10 of none, 10 - 8 * .9 = 2.8 of sequential.
OWN = ["own,none,frechet,10", "own,sequential,frechet,2.8"]
OTHERS = ["1,none,frechet,10", "1,sequential,frechet,4.8", "2,sequential,frechet,5.3"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_results(tmp_path_factory.mktemp("results"))


def with_table(results: tuple[Path, Path], folder: Path, *rows: str) -> Results:
    file = folder / "spread.csv"
    text = "\n".join(["training,correction,metric,value", *rows, ""])
    file.write_text(text, encoding="utf-8")
    return Results(*results, params(), spread=file)


def test_a_cell_is_mean_and_deviation_and_range_over_trainings(results, tmp_path: Path) -> None:
    text = page(contents(with_table(results, tmp_path, *OWN, *OTHERS)))
    section = text.split('<section id="spread">')[1].split("</section>")[0]
    assert "3 trainings of the classifier" in section
    cells = re.findall(r'class="value">(.*?)</span><span class="interval">(.*?)<', section)
    # 2.8, 4.8, 5.3: mean 4.3, deviation sqrt(3.5 / 2) = 1.32.
    assert cells == [("10.0 ± 0", "10.0 to 10.0"), ("4.30 ± 1.32", "2.80 to 5.30")]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        OTHERS,  # no training of its own
        ["own,none,frechet,10", "own,sequential,frechet,2.9", *OTHERS],
        [*OWN, "own,other,frechet,3", *OTHERS],
    ],
)
def test_a_table_of_another_run_is_left_out(results, tmp_path: Path, rows: list[str]) -> None:
    assert "#spread" not in page(contents(with_table(results, tmp_path, *rows)))


def test_a_torn_table_is_one_line_that_names_it(results, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"spread.csv: not a table of make spread"):
        contents(with_table(results, tmp_path, "own,none,frechet,ten"))
