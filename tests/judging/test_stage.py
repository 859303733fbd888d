"""The stage that docs/judging.md has one add to dvc.yaml."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from checkout import ENVIRONMENT
from house import ROOT, load
from ruamel.yaml import YAML
from small_judging import careful, judged_by, write_judgements

from artifact_units.judging.judgements import latest
from artifact_units.judging.settling import headline, settle
from steps.judge_corrections import main

PAGE = (ROOT / "docs/judging.md").read_text(encoding="utf-8")
STANZA = PAGE.split("```yaml\n")[1].split("```")[0]
STAGE = YAML(typ="safe", pure=True).load(STANZA)["judge_corrections"]


def test_it_says_what_the_command_says_and_rests_on_what_the_command_runs():
    assert main.commands["settle"].help == STAGE["desc"]
    assert STAGE["deps"] == ["results/fingerprint_code/judge_corrections", "judgements.jsonl"]


def test_dvc_runs_it_shows_its_metric_and_runs_it_again_when_the_file_has_grown(tmp_path):
    for folder in ("artifact_units", "steps"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.pyc"))
    first = load("dvc.yaml")["stages"]["fingerprint_code"]
    first["deps"] = ["artifact_units", "steps", "params.yaml"]
    graph = {"stages": {"fingerprint_code": first, "judge_corrections": STAGE}}
    (tmp_path / "dvc.yaml").write_text(json.dumps(graph), encoding="utf-8")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    judgements = judged_by("ann", careful)
    write_judgements(tmp_path / "judgements.jsonl", judgements[:-1])
    dvc(tmp_path, "init", "--no-scm", "--quiet")
    assert "Running stage" in dvc(tmp_path, "repro")
    write_judgements(tmp_path / "judgements.jsonl", judgements)
    assert "Running stage" in dvc(tmp_path, "repro")
    shown = json.loads(dvc(tmp_path, "metrics", "show", "--json"))
    (found,) = (of["data"] for of in shown[""]["data"].values())
    assert found == headline(settle(latest(judgements)))


def dvc(folder: Path, *words: str) -> str:
    """What DVC printed, run as a person does."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
