"""The real steps on a tiny run, from rendering to report, under each engine in its own folder.

Snakemake cuts into shards what comes in parts; DVC does not.
"""

import json
import os
from pathlib import Path

import pytest
from checkout import Checkout, stages_run
from tiny import TINY

from artifact_units.computing import portable

pytestmark = pytest.mark.slow

RECORD = Path(__file__).with_name("tiny_run.md5")
# No numbers; or the versions of libraries, which differ by Python's.
WORDS = ("fingerprint_code", "check_params", "check_embedded", ".manifest.json", "report.html")


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return Checkout.make(tmp_path_factory.mktemp("tiny") / "it", TINY, stand_ins=False)


@pytest.fixture(scope="module")
def by_snakemake(start, tmp_path_factory):
    checkout = start.copy(tmp_path_factory.mktemp("tiny_snakemake") / "it")
    checkout.snakemake("--config", "shards=2")
    return checkout


def test_both_engines_make_the_same_bytes(by_dvc, by_snakemake):
    # The records hold the hash of every input, parameter and output of every stage.
    assert by_snakemake.locks() == by_dvc.locks()


def test_neither_has_anything_left_to_do(by_dvc, by_snakemake):
    assert "Nothing to be done" in by_dvc.snakemake("-n")
    assert "up to date" in by_snakemake.dvc("status")
    assert stages_run(by_snakemake.dvc("repro")) == []


def test_the_run_ends_in_a_page_and_in_metrics(by_dvc):
    assert "</html>" in (by_dvc.path / "results/report/report.html").read_text(encoding="utf-8")
    metrics = json.loads((by_dvc.path / "results/evaluate_generations/metrics.json").read_text())
    assert metrics


@pytest.mark.skipif(not portable.is_settled(), reason="bytes are promised on x86-64 with AVX2")
def test_every_machine_makes_the_bytes_that_are_recorded(by_dvc):
    """`make tiny` records them anew, where other bytes are meant."""
    outputs = {
        out["path"]: out["md5"]
        for record in by_dvc.locks().values()
        for stage in record["stages"].values()
        for out in stage.get("outs", [])
    }
    kept = {path: md5 for path, md5 in outputs.items() if not any(w in path for w in WORDS)}
    if os.environ.get("ARTIFACT_UNITS_RECORD"):
        RECORD.write_text("".join(f"{md5}  {path}\n" for path, md5 in sorted(kept.items())))
    recorded = [line.split("  ") for line in RECORD.read_text().splitlines()]
    assert kept == {path: md5 for md5, path in recorded}
