"""The hyper-parameter analysis in the report: its curves where they are of this run, else none."""

from __future__ import annotations

from pathlib import Path

import pytest
from house import ROOT, load
from small_results import params, write_results

from artifact_units.errors import UserError
from artifact_units.report.data import Results
from artifact_units.report.page import contents, page, plots

# What small_results measures of sequential (n 1, stop 2): 10 - 8 * .9 = 2.8.
HEADER = "correction,parameter,at,metric,value,low,high"
OF_IT = ["sequential,n,3,frechet,5.5,5,6", "sequential,n,1,frechet,2.8,1.8,3.8"]
OF_IT += ["sequential,stop,1,frechet,7.25,7,8", "sequential,stop,2,frechet,2.8,1.8,3.8"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_results(tmp_path_factory.mktemp("results"))


def with_table(results: tuple[Path, Path], folder: Path, *rows: str) -> Results:
    file = folder / "analysis.csv"
    file.write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    return Results(*results, params(), file)


def test_curves_are_drawn_in_the_order_of_their_values(results, tmp_path: Path) -> None:
    found = contents(with_table(results, tmp_path, *OF_IT))
    section = page(found).split('<section id="analysis">')[1].split("</section>")[0]
    assert "distance of sequential by n: units a layer, 1, 3: 2.80, 5.50; " in section
    assert "distance of sequential by l: last layer, 1, 2: 7.25, 2.80" in section
    assert "no correction" in section
    assert 'href="#analysis"' in page(found)
    assert "analysis.svg" in plots(found)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        ["sequential,n,3,frechet,5.5,5,6"],  # nothing at the run's own n
        ["sequential,n,1,frechet,2.9,1.8,3.8"],  # another value there
        ["other,n,1,frechet,2.8,1.8,3.8"],
        ["sequential,scales,1,frechet,2.8,1.8,3.8"],
        ["sequential,n,1,realism,2.8,1.8,3.8"],  # not measured here
        [*OF_IT, "one_layer,n,1,frechet,2.8,1.8,3.8"],  # one of several is not of it
    ],
)
def test_a_table_of_another_run_is_left_out(results, tmp_path: Path, rows: list[str]) -> None:
    found = contents(with_table(results, tmp_path, *rows))
    assert 'id="analysis"' not in page(found)
    assert 'href="#analysis"' not in page(found)
    assert "analysis.svg" not in plots(found)


@pytest.mark.parametrize("rows", [["sequential,n,one,frechet,2.8,1,3"], ["sequential,n,1"]])
def test_a_torn_table_is_one_line_that_names_it(results, tmp_path: Path, rows: list[str]) -> None:
    with pytest.raises(UserError, match=r"analysis.csv: not a table of make analysis") as error:
        contents(with_table(results, tmp_path, *rows))
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_such_table_is_named(results, tmp_path: Path) -> None:
    given = with_table(results, tmp_path)
    (tmp_path / "analysis.csv").write_text("something else\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"analysis.csv: not a table of make analysis"):
        contents(given)


def test_the_project_s_table_is_of_the_recorded_run() -> None:
    table = Results(ROOT / "results", Path("nowhere"), {}, ROOT / "params" / "analysis.csv")
    recorded = load("results/evaluate_generations/metrics.json")
    entries = load("params.yaml")["fit_corrections"]["corrections"]
    names = {"frechet": "frechet_scene", "realism": "realism_scene"}
    curves, through = set(), set()
    for row in table.analysis:
        correction, parameter, metric = row["correction"], row["parameter"], row["metric"]
        own = recorded[names.get(metric, metric)][correction]
        curves.add((correction, parameter, metric))
        if row["at"] == entries[correction][parameter] and row["value"] == pytest.approx(own):
            through.add((correction, parameter, metric))
    assert curves == through
    assert {c for c, *_ in curves} == {"sequential", "sequential_max"}
