"""The house keeps its own rules: one word a stage, code as a dependency, floors, sizes."""

import ast
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from house import ROOT, SOURCES, command_of, imports_of, load, outputs_of, stages, step_of

from artifact_units.files.manifests import SUFFIX
from steps.making.checks import read_params
from steps.making.parameters import Params
from steps.making.stages import fingerprints

STAGES = {name: stage for name, stage in stages().items() if step_of(stage)}
FINGERPRINTS = "fingerprint_code"
STEPS = {
    path.stem: path
    for path in (ROOT / "steps").glob("*.py")
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_its_step_and_its_results_have_one_name(name):
    assert step_of(STAGES[name]) == name
    assert name in STEPS
    places = {path.removesuffix(SUFFIX).split("/")[1] for path in outputs_of(STAGES[name])}
    assert places == {name}


def test_every_section_of_the_parameters_is_a_stage():
    assert set(Params.model_fields) - {"inputs", "run"} <= set(STAGES)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_asks_for_a_gpu_where_its_step_can_use_one(name):
    uses = "prepare(run.device" in STEPS[name].read_text(encoding="utf-8")
    assert bool(STAGES[name]["meta"]["smk"].get("gpu")) == uses


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_says_what_its_step_says(name):
    main = next(
        node
        for node in ast.parse(STEPS[name].read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == command_of(STAGES[name])
    )
    assert (ast.get_docstring(main) or "").split("\n\n")[0].replace("\n", " ") == STAGES[name][
        "desc"
    ]


@pytest.mark.parametrize("name", [name for name in STAGES if name != FINGERPRINTS])
def test_a_stage_rests_on_the_meaning_of_its_own_code_and_lists_no_source(name):
    first, *others = STAGES[name]["deps"]
    assert first.removesuffix("@${key}") == f"results/{FINGERPRINTS}/{name}"
    assert [dep for dep in others if dep.endswith(".py")] == []


def test_the_record_is_of_this_code():
    """What dvc.lock holds of a stage's code is what that means now; else `make run` again."""
    now = fingerprints(ROOT, ROOT / "params.yaml")
    for lock in ("dvc.lock", "demo/dvc.lock"):
        for stage, recorded in load(lock)["stages"].items():
            path = f"results/{FINGERPRINTS}/{stage}"
            noted = {dep["path"]: dep["md5"] for dep in recorded.get("deps", [])}
            if path in noted:
                text = f"{now[stage]}\n".encode()
                assert noted[path] == hashlib.md5(text, usedforsecurity=False).hexdigest(), stage


def test_params_yaml_is_well_formed(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert isinstance(read_params(Path("params.yaml")), Params)


@pytest.mark.parametrize("file", ["dvc.yaml", "demo/dvc.yaml"])
def test_every_value_that_a_graph_names_exists(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    own = load(file.replace("dvc.yaml", "params.yaml"))
    for place in sorted(set(re.findall(r"\$\{([^}]*)\}", text))):
        here = {**load("params.yaml"), **own}
        if place.split(".")[0] in ("item", "key"):
            continue
        for key in place.split("."):
            assert key in here, f"{file}: ${{{place}}}"
            here = here[key]


def test_what_is_recorded_is_of_stages_that_there_are():
    """DVC forgets none: those of an experiment stay in dvc.lock, and are read and written too."""
    corrections = load("params.yaml")["fit_corrections"]["corrections"]
    rankings = load("params.yaml")["score_units"]["rankings"]
    for name in load("dvc.lock")["stages"]:
        stage, _, key = name.partition("@")
        assert stage in STAGES, name
        assert not key or key in (rankings if stage == "score_units" else corrections), name


def test_arrows_between_rooms_go_one_way():
    lint = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"]
    done = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_step_imports_no_other_step():
    for path in STEPS.values():
        others = imports_of(path) & set(STEPS.values()) - {path}
        assert {name_of(path) for path in others} == set(), name_of(path)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_functions_modules_and_steps_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") < (60 if path in STEPS.values() else 250)
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    long = [
        f"{node.name}: {len(node_lines)} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, functions)
        and len(node_lines := (ast.get_source_segment(text, node) or "").split("\n")) >= 40
    ]
    assert long == []


@pytest.mark.parametrize("path", STEPS.values(), ids=name_of)
def test_help_needs_nothing_heavy(path):
    code = (
        f"import sys; import steps.{path.stem}\n"
        "heavy = {'torch', 'numpy', 'pyarrow', 'pandas', 'torchvision', 'matplotlib', 'jinja2'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""
