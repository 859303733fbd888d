"""The stage that docs/judging.md has one add to dvc.yaml."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from checkout import ENVIRONMENT
from house import ROOT, rests_on
from ruamel.yaml import YAML
from small_judging import careful, judged_by, write_judgements

from artifact_units.judging.judgements import latest
from artifact_units.judging.settling import headline, settle
from steps.judge_corrections import main

PAGE = (ROOT / "docs/judging.md").read_text(encoding="utf-8")
STANZA = PAGE.split("```yaml\n")[1].split("```")[0]
STAGE = YAML(typ="safe", pure=True).load(STANZA)["judge_corrections"]
UNLISTED = ["artifact_units/errors.py"]  # as in test_house.py


def test_it_says_what_the_command_says_and_lists_the_code_that_it_rests_on():
    assert main.commands["settle"].help == STAGE["desc"]
    files = rests_on(ROOT / "steps/judge_corrections.py")
    used = {str(file.relative_to(ROOT)) for file in files} - {*UNLISTED}
    mine = "steps/judge_corrections.py"
    wanted = {n for n in used if n.startswith("artifact_units/") or n == mine}
    listed = {dep for dep in STAGE["deps"] if dep != "judgements.jsonl"}
    package = "artifact_units/judging"
    assert listed == {package if n.startswith(f"{package}/") else n for n in wanted}


def test_dvc_runs_it_shows_its_metric_and_runs_it_again_when_the_file_has_grown(tmp_path):
    for folder in ("artifact_units", "steps"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.pyc"))
    (tmp_path / "dvc.yaml").write_text(f"stages:\n{STANZA}", encoding="utf-8")
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
