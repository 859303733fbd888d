"""Whether a machine reproduces the record, on a graph of two stages; the machine is a variable."""

import json
import shutil
import subprocess

import pytest
from checkout import ENVIRONMENT, Checkout
from house import ROOT
from small_graph import WARM

from workflow import apart

pytestmark = pytest.mark.slow

GRAPH = """
stages:
  first:
    cmd: python compute.py results/first/values.json 3
    deps: [compute.py]
    outs: [results/first/values.json, results/first/values.json.manifest.json]
  second:
    cmd: python compute.py results/second/metrics.json 5
    deps: [compute.py, results/first/values.json]
    outs: [results/second/metrics.json.manifest.json]
    metrics: [results/second/metrics.json: {cache: false}]
"""
COMPUTE = """
import json, os, sys
from pathlib import Path

path, value = Path(sys.argv[1]), float(sys.argv[2])
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text(json.dumps({"mean": value, "far": value + float(os.environ.get("TILT", 0))}))
notes = {"notes": [os.environ["NOTE"]]} if "NOTE" in os.environ else {}
Path(f"{path}.manifest.json").write_text(json.dumps({"manifest": 1, **notes}))
"""


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """A finished run, committed with its record."""
    path = tmp_path_factory.mktemp("verify") / "it"
    shutil.copytree(ROOT / "workflow", path / "workflow")
    started = ("steps/__init__.py", "steps/__main__.py", *WARM)
    for file in (".dvcignore", ".gitignore", ".dvc/config", "Snakefile", *started):
        (path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, path / file)
    (path / "profiles").symlink_to("workflow/profiles")
    for name, text in {"dvc.yaml": GRAPH, "compute.py": COMPUTE}.items():
        (path / name).write_text(text)
    (path / "requirements.lock").write_text("numpy==1.0\n")
    subprocess.run(["git", "init", "-q", path], check=True)
    checkout = Checkout(path)
    checkout.dvc("repro")
    checkout.commit_first()
    return checkout


def verified(checkout, **machine):
    """Exit status and what was said."""
    words = ["python", "-m", "workflow.verify"]
    environment = {**ENVIRONMENT, **machine}
    done = subprocess.run(
        words, cwd=checkout.path, env=environment, capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    assert not (checkout.path / ".experiments/.verify").exists()
    return done.returncode, done.stdout


def test_equal_outputs_are_said_to_be_the_record_though_all_was_run_anew(committed):
    status, screen = verified(committed)
    assert status == 0
    assert "first …" in screen
    assert "This machine reproduces the record: 2 outputs, byte for byte." in screen


def test_the_first_stage_that_differs_is_named_and_how_far_and_why(committed):
    status, screen = verified(committed, TILT="0.25")
    assert status == 1
    assert "2 of 2 outputs are not those of the record. The first:\n  first: results" in screen
    assert "  first: results/first/values.json: far differs by up to 0.25" in screen
    assert "is installed, requirements.lock says 1.0" in screen
    # .25 is within a tenth of 5, but nothing that the machine notes excuses it.
    assert "of 2 metrics 1 are equal, 2 within 10% or 0.05" in screen


def test_where_no_bytes_are_promised_metrics_within_the_tolerance_are_enough(committed):
    status, screen = verified(committed, TILT="0.25", NOTE="computed on a GPU: Example 1")
    assert (status, "Likely reason: computed on a GPU: Example 1" in screen) == (0, True)
    status, screen = verified(committed, TILT="0.75", NOTE="computed on a GPU: Example 1")
    assert (status, "far: recorded 5, here 5.75" in screen) == (1, True)


def test_what_is_not_committed_is_not_verified(committed, tmp_path):
    checkout = committed.copy(tmp_path / "it")
    checkout.append("compute.py", "\n")
    assert "compute.py is not committed" in checkout.fails("python", "-m", "workflow.verify")


def test_files_are_compared_value_by_value(tmp_path):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from safetensors.numpy import save_file

    def written(name, value):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        column = pa.array([[1.0, value], []])
        table = pa.table({"score": column, "image": [bytes([1, 2]), b""], "name": ["a", "b"]})
        pq.write_table(table, folder / "a.parquet")
        save_file({"weight": np.array([1, value], np.float32)}, folder / "a.safetensors")
        (folder / "a.csv").write_text(f"name,value\na,{value}\n")
        (folder / "a.json").write_text(json.dumps({"a": {"b": [value]}, "c": "text"}))
        return folder

    one, other, same = written("one", 2.0), written("other", 2.5), written("same", 2.0)
    for name in ("a.parquet", "a.safetensors", "a.csv", "a.json"):
        found = apart.furthest(one / name, other / name)
        assert found is not None
        assert found.distance == 0.5
        assert apart.furthest(one / name, same / name) is None
    (other / "a.csv").write_text("name,value\na,2\na,2\n")
    found = apart.furthest(one / "a.csv", other / "a.csv")
    assert found is not None
    assert found.words == "other names or shapes"
