"""The step writes the page, and a mistake is one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from small_results import PARAMS, write_results

from steps.report import main

ROOT = Path(__file__).parents[2]


def run(folder: Path, results: Path, truth: Path) -> Result:
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["score_units"]["rankings"] = PARAMS["rankings"]
    values["fit_corrections"]["corrections"] = PARAMS["corrections"]
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    paths = {
        "results": results,
        "truth": truth,
        "analysis": ROOT / "params" / "analysis.csv",
        "spread": ROOT / "params" / "spread.csv",
        "survey": ROOT / "params" / "survey.parquet",
        "params": folder / "params.yaml",
        "out": folder / "page.html",
        "metrics": folder / "rankings.json",
        "plots": folder / "plots",
    }
    asked = {"generations": 2, "units": 3, "failures": 1}
    arguments = [
        str(word) for key, value in {**paths, **asked}.items() for word in (f"--{key}", value)
    ]
    return CliRunner().invoke(main, arguments)


def test_the_page_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = run(tmp_path, *write_results(tmp_path))
    assert done.exit_code == 0, done.output
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert text.endswith("</html>\n")
    assert text.count('class="row" role="group"') == 2
    assert text.count('<article class="card">') == 3 + 1
    assert (tmp_path / "plots" / "cover.png").is_file()
    precision = json.loads((tmp_path / "rankings.json").read_text())["mean_average_precision"]
    assert precision["defective_score"] == 1.0 > precision["chance"]
    assert 'id="analysis"' not in text  # the project's own table is of another run


def test_a_missing_table_is_one_line_and_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    results, truth = write_results(tmp_path)
    (results / "score_units" / "random.parquet").unlink()
    done = run(tmp_path, results, truth)
    assert done.exit_code == 1
    assert "random.parquet" in done.output
    assert len(done.output.splitlines()) == 1
    assert not (tmp_path / "page.html").exists()
