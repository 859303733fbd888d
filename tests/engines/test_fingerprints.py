"""A stage is stale whenever code that it runs means another thing: held against what it does run.

The tiny run is traced: which functions of the project does each stage call? Each must be in the
stage's fingerprint. Then code is changed at random, and the stages that run it must be stale.
"""

import ast
import random
import shutil
import subprocess
from collections import defaultdict

import pytest
from checkout import BIN, ENVIRONMENT, Checkout
from house import ROOT
from tiny import TINY

from steps.making.closure import Closure
from steps.making.modules import Sources
from steps.making.stages import fingerprints

pytestmark = pytest.mark.slow
MUTATIONS = 60
OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult}
OPERATORS |= {ast.Lt: ast.LtE, ast.Gt: ast.GtE, ast.Eq: ast.NotEq, ast.In: ast.NotIn}
OPERATORS |= {ast.And: ast.Or, ast.Or: ast.And, ast.Is: ast.IsNot, ast.IsNot: ast.Is}


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return Checkout.make(tmp_path_factory.mktemp("traced") / "it", TINY, stand_ins=False)


@pytest.fixture(scope="module")
def runs(start, tmp_path_factory):
    """Stage -> the functions that it runs, as ``(file, line)``."""
    place = tmp_path_factory.mktemp("trace")
    shutil.copy(ROOT / "tests/traced.py", place / "sitecustomize.py")
    (place / "notes").mkdir()
    environment = {**ENVIRONMENT, "PYTHONPATH": str(place), "TRACED": str(place / "notes")}
    environment["SLURM_JOB_ID"] = "1"  # as on a node: every step starts by itself
    words = [str(BIN / "dvc"), "repro", "--quiet"]
    subprocess.run(words, cwd=start.path, env=environment, check=True)
    found = {}
    for notes in (place / "notes").iterdir():
        rows = (line.rpartition(" ") for line in notes.read_text().splitlines())
        found[notes.name] = {(file, int(number)) for file, _, number in rows}
    return found


def test_every_function_that_a_stage_runs_is_in_its_fingerprint(start, runs):
    sources = Sources(start.path)
    assert len(runs) > 20
    for stage, functions in runs.items():
        closure = Closure(sources, named(start, stage))
        closure.follow(f"steps.{stage.partition('@')[0]}")
        held = {
            (str(path.relative_to(start.path)), line)
            for path in closure.files()
            for line in lines_of(closure, sources, path)
        }
        assert functions - held == set(), stage


def test_code_changed_at_random_makes_the_stages_that_run_it_stale(start, runs, tmp_path):
    stream = random.Random(0)
    users = defaultdict(set)
    for stage, functions in runs.items():
        for function in functions:
            users[function].add(stage)
    rooms = defaultdict(list)
    for file, line in sorted(users):
        rooms[file.rpartition("/")[0]].append((file, line))
    assert {room.rpartition("/")[2] for room in rooms} >= ROOMS
    params = start.path / "params.yaml"
    before = fingerprints(start.path, params)
    for number in range(MUTATIONS):
        room = sorted(rooms)[number % len(rooms)]
        file, line = stream.choice(rooms[room])
        path = start.path / file
        text = path.read_text(encoding="utf-8")
        changed = mutated(text, line, stream)
        if changed is None:
            continue
        path.write_text(changed, encoding="utf-8")
        after = fingerprints(start.path, params)
        path.write_text(text, encoding="utf-8")
        fresh = {stage for stage in users[file, line] if unmoved(stage, before, after)}
        assert fresh == set(), f"{file}:{line}"


ROOMS = {"files", "computing", "images", "layers", "labels", "classifier", "units"}
ROOMS |= {"corrections", "evaluation", "generators", "maskers", "rankings", "correctors"}
ROOMS |= {"extractors", "metrics", "report", "steps", "making", "domain"}


def unmoved(stage, before, after):
    """Whether the fingerprint that a stage rests on is as before."""
    name = stage if stage in before else stage.partition("@")[0]
    return before[name] == after[name]


def named(checkout, stage):
    """The texts in the values of a stage's section, or of its entry."""
    from steps.making.stages import _given, _texts, load

    command = stage.partition("@")[0]
    given = dict(_given(command, load(checkout.path / "params.yaml")))
    return _texts(given.get(stage, given[command]))


def lines_of(closure, sources, path):
    """The lines on which functions begin in what is reached of a file."""
    module = next(m for m in sources.known.values() if m and m.path == path)
    for statement in closure.reached[module.name].values():
        for node in ast.walk(statement.node):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
            elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
                yield node.lineno


def mutated(text, line, stream):
    """The source with one operator, constant or call of the function at a line made another."""
    tree = ast.parse(text)
    inside = [
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and min([node.lineno, *(d.lineno for d in node.decorator_list)]) == line
        for statement in node.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for inner in ast.walk(statement)
    ]
    stream.shuffle(inside)
    for node in inside:
        if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in OPERATORS:
            node.op = OPERATORS[type(node.op)]()
            return ast.unparse(tree)
        if isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
            node.ops[0] = OPERATORS[type(node.ops[0])]()
            return ast.unparse(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            node.value = node.value + 1
            return ast.unparse(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node.func.attr += "_"
            return ast.unparse(tree)
    return None
