"""The house keeps its own rules: one word a stage, code as a dependency, floors, sizes."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from house import (
    ROOT,
    SHELVES,
    SOURCES,
    command_of,
    imports_of,
    load,
    outputs_of,
    rests_on,
    stages,
    step_of,
)

from artifact_units.files.manifests import SUFFIX
from steps.making.checks import read_params
from steps.making.parameters import Params

STAGES = {name: stage for name, stage in stages().items() if step_of(stage)}
STEPS = {
    path.stem: path
    for path in (ROOT / "steps").glob("*.py")
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
}
# What these say is in no output: wording of messages, names of shapes, and options that reach a
# stage as its command, which DVC compares by itself.
UNLISTED = [
    ROOT / name
    for name in (
        "artifact_units/errors.py",
        "artifact_units/shapes.py",
        "steps/making/command.py",
        "steps/making/contract.py",
        "steps/making/engine.py",
        "steps/making/groups.py",
        "steps/making/limits.py",
        "steps/making/parameters.py",
        "steps/making/checks.py",
        "steps/making/sections.py",
        "steps/making/shards.py",
        "steps/making/values.py",
    )
]


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


def covers(dep: str, path: Path) -> bool:
    """Whether a dep names a file, a folder that it is in, or a shelf's file by a parameter."""
    shelf, _, chosen = dep.partition("${")
    if chosen:
        return bool(shelf) and name_of(path.parent) + "/" == shelf
    return dep == name_of(path) or Path(dep) in path.relative_to(ROOT).parents


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_lists_the_code_that_it_rests_on(name):
    used = rests_on(STEPS[name]) - ({*UNLISTED} if name != "check_params" else set())
    missing = [p for p in used if not any(covers(dep, p) for dep in STAGES[name]["deps"])]
    lines = ", ".join(sorted(map(name_of, missing)))
    assert missing == [], f"add to the deps of {name}: {lines}"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_lists_no_code_that_it_does_not_rest_on(name):
    used = rests_on(STEPS[name])
    code = [dep for dep in STAGES[name]["deps"] if dep.startswith(("artifact_units", "steps"))]
    unused = [dep for dep in code if not any(covers(dep, path) for path in used)]
    assert unused == [], f"remove from the deps of {name}: {', '.join(unused)}"


def test_params_yaml_is_well_formed(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert isinstance(read_params(Path("params.yaml")), Params)


@pytest.mark.parametrize("file", ["dvc.yaml", "demo/dvc.yaml"])
def test_every_value_that_a_graph_names_exists(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    for place in sorted(set(re.findall(r"\$\{([^}]*)\}", text))):
        here = load("params.yaml")
        if place.split(".")[0] in ("item", "key"):
            continue
        for key in place.split("."):
            assert key in here, f"{file}: ${{{place}}}"
            here = here[key]


def test_what_is_recorded_is_of_stages_that_there_are():
    """DVC forgets none: those of an experiment stay in dvc.lock, and are read and written too."""
    corrections = load("params.yaml")["correct_generations"]["corrections"]
    for name in load("dvc.lock")["stages"]:
        stage, _, key = name.partition("@")
        assert stage in STAGES, name
        assert not key or key in corrections, name


def test_the_floors_hold():
    lint = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"]
    done = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_step_imports_no_other_step():
    for path in STEPS.values():
        others = imports_of(path) & set(STEPS.values()) - {path}
        assert {name_of(path) for path in others} == set(), name_of(path)


def floor_of(path: Path) -> int:
    place = path.relative_to(ROOT / "artifact_units")
    if place.name == "errors.py":
        return -1
    if place.name in ("registry.py", "shapes.py"):
        return 0
    # export.py loads what it wrote, whatever the family: it stands on the shelf's door.
    return 2 if place.parts[0] in SHELVES or place.name == "export.py" else 1


def test_nothing_in_the_package_imports_from_a_floor_above_its_own():
    package = ROOT / "artifact_units"
    door = package / "__init__.py"  # what a user of the package imports: it may show any floor
    for path in set(SOURCES) - {door}:
        if package in path.parents:
            above = [f for f in imports_of(path) - {door} if floor_of(f) > floor_of(path)]
            assert [name_of(file) for file in above] == [], name_of(path)


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
