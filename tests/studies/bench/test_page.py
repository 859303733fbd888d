from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from artifact_units.files.tables import write_table
from studies.bench.costs import COSTS
from studies.bench.goals import goals
from studies.bench.kinds import KINDS
from studies.bench.methods import RANKINGS, ROWS
from studies.bench.page import table, write_page
from studies.bench.results import Results, with_interval
from studies.bench.settings import ERRORS

METRICS = ("frechet", "recovery", "pixel_recovery", "unlike", "psnr", "unchanged")
OTHERS = {
    ("planting", "artifacts"): 0.3,
    ("planting", "area"): 0.05,
    ("planting", "noise"): 1.0,
    ("broken", "frechet"): 9.0,
    ("clean", "frechet"): 5.0,
    ("classifier", "auc"): 0.9,
}


def value_of(method: str, metric: str, seed: int) -> float:
    """Corrections are the better the later they stand in the list; seeds differ a little."""
    place = list(ROWS).index(method) if method in ROWS else len(ROWS)
    of_all = {"psnr": 40 + place, "unlike": 0.1 - place / 1000}
    return of_all.get(metric, place / len(ROWS)) + seed / 1000


@pytest.fixture
def file(tmp_path) -> Path:
    """Six seeds of made-up numbers, so that one sign of every difference is significant."""
    rows = []
    for seed in range(6):
        for kind in KINDS:
            for error in ERRORS:
                at = (kind, seed, error)
                rows += [
                    (*at, name, metric, value_of(name, metric, seed), "clip by x: artifact p")
                    for name in (*ROWS, "zero_true", "ceiling")
                    for metric in METRICS
                ]
                rows += [
                    (*at, name, "average_precision", 0.9, "") for name in (*RANKINGS, "chance")
                ]
                rows += [(*at, *which, value, "") for which, value in OTHERS.items()]
    names = ("kind", "seed", "error", "method", "metric", "value", "note")
    columns: dict[str, Any] = dict(zip(names, zip(*rows, strict=True), strict=True))
    write_table(tmp_path / "truth_bench.parquet", "truth_bench", columns)
    return tmp_path / "truth_bench.parquet"


def test_results_are_read_a_value_a_seed(file) -> None:
    results = Results.read(file)
    assert results.seeds == 6
    assert results.kinds == list(KINDS)
    assert results.values("hard", "planting", "noise").tolist() == [1.0] * 6
    first = results.values("easy", "none", "psnr")
    assert first.tolist() == pytest.approx([40 + s / 1000 for s in range(6)])


def test_what_is_better_than_the_papers_method_wins_and_less_unlike_is_better(file) -> None:
    results = Results.read(file)
    names = ["none", "chosen", "sequential"]
    psnr, unlike = (results.against_paper(names, metric) for metric in ("psnr", "unlike"))
    assert [psnr["easy", name] for name in names] == ["loss", "win", "tie"]
    assert unlike["easy", "chosen"] == "win"


def test_a_page_has_every_method_a_verdict_for_every_goal_and_its_figures(file, tmp_path) -> None:
    page = tmp_path / "page" / "bench.md"
    page.parent.mkdir()
    write_page(page, file, 100.0)
    text = page.read_text(encoding="utf-8")
    assert all(f"| {name} |" in text for name in (*ROWS, *RANKINGS))
    assert all(f"| {cost} | " in text.split("| regret |")[1] for cost in COSTS)
    drawn = re.findall(r"\]\((\S+\.png)\)", text)
    assert len(drawn) == 2
    assert all(len((page.parent / name).read_bytes()) < 30_000 for name in drawn)
    rows = [line for line in text.split("\n") if line.endswith("reached |")]
    assert len(rows) == 8 + 4 + 8 + 1 + 1
    assert not re.search(r"\bnan\b", text)


def test_the_same_results_make_the_same_page_and_figures(file, tmp_path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_page(tmp_path / name / "bench.md", file, 100.0)
    files = [sorted(p.name for p in (tmp_path / n).iterdir()) for n in ("a", "b")]
    assert files[0] == files[1]
    for name in files[0]:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_goal_is_reached_at_its_figure_and_not_below(file) -> None:
    results = Results.read(file)
    # 24 cells' worth of cpu-seconds: ten seeds in 40 minutes of two cores are 4,800.
    assert "minutes for ten | reached |" in goals(results, 0.6 * 4800)
    assert "minutes for ten | NOT reached |" in goals(results, 0.6 * 4800 + 100)
    # Every ranking has .9: enough for hard and leaky and with wrong labels, too little for easy.
    assert "easy, 2% wrong: precision >= 0.95 | defective_score 0.90" in goals(results, 0.0)


def test_a_table_is_markdown_and_an_interval_is_in_brackets(file) -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    results = Results.read(file)
    assert with_interval(results.values("easy", "planting", "noise")) == "1.00 [1.00, 1.00]"
