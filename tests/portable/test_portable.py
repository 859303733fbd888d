"""The same bytes on other processors: every stage and shelf here, and emulated as two of them.

The emulated ones have no AVX-512, which this one may have; one is AMD's, one Intel's, with other
caches. A process each, side by side: what takes long there is to import.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from checkout import Checkout
from small_generator import small_generator
from tiny import TINY

from artifact_units import registry
from artifact_units.computing import portable
from artifact_units.generators import save_generator
from workflow.graph import read_graph

pytestmark = pytest.mark.slow

PIECES = Path(__file__).with_name("pieces.py")
EMULATED = ("EPYC-Rome-v2", "Haswell-v4")
QEMU = shutil.which("qemu-x86_64")
RANKED = {"ranking": "range_excess"}
STOP = {"stop": 5, "n": 2}
OPTIONS = {
    "ablation": {"layer": "layer4", "n": 2},
    "sequential": {**STOP, "scale": 0.5, "normalise": ["none", "max", "minmax"]},
    "clip": STOP,
    "shrink": STOP,
    "rare_neurons": {"stop": 5},
    "feature_proliferation": {"stop": 5},
}
SMALL = {
    "read_reals.px": 16,
    "sample_generations.labelled": 80,
    "sample_generations.heldout": 30,
    "train_classifier.px": 16,
    "train_classifier.rate": 0.01,
    "score_units.rankings": {name: {"ranking": name} for name in registry.names("rankings")},
    "fit_corrections.corrections": {
        "none": {**RANKED, "corrector": "ablation", "layer": "layer1", "n": 0},
    }
    | {
        name: {**RANKED, "corrector": name, **OPTIONS.get(name, {})}
        for name in registry.names("correctors")
    },
    "correct_generations.artifacts": 4,
    "correct_generations.normals": 3,
    "evaluate_generations.subset_size": 3,
}
DEFAULTS = {"score_units.rankings", "fit_corrections.corrections"}  # of TINY, named otherwise


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Path:
    """A tiny checkout on an untrained generator, and the commands of its stages."""
    kept = {k: v for k, v in TINY.items() if not k.startswith(tuple(f"{d}." for d in DEFAULTS))}
    folder = tmp_path_factory.mktemp("portable") / "start"
    checkout = Checkout.make(folder, kept | SMALL, stand_ins=False)
    save_generator(folder / "demo/church_generator.safetensors", small_generator())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(checkout.path)
        commands = [stage.cmd for stage in read_graph().stages if "check_" not in stage.name]
    ours = [line for line in commands if line and "-m steps." in line and "fingerprint" not in line]
    (folder / "commands.json").write_text(json.dumps(ours))
    return folder


def begun(start: Path, name: str, *before: str, own: bool = False) -> subprocess.Popen[str]:
    """A process of the pieces in a copy of the checkout, told nothing by this one's environment."""
    folder = start.with_name(name)
    shutil.copytree(start, folder)
    told = {*portable.SETTINGS, portable.NUMPY}
    environment = {k: v for k, v in os.environ.items() if k not in told}
    words = [*before, sys.executable, str(PIECES), str(folder), *["--own"] * own]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(words, env={**environment, "OMP_NUM_THREADS": "1"}, **pipes)


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    said, wrong = process.communicate()
    assert process.returncode == 0, wrong[-4000:]
    return json.loads(said.splitlines()[-1])


@pytest.fixture(scope="module")
def here(start) -> dict[str, Any]:
    return ended(begun(start, "here"))


@pytest.fixture(scope="module")
def there(start) -> dict[str, dict[str, Any]]:
    """What the emulated processors make, side by side."""
    if QEMU is None:
        lacking = "qemu-x86_64 is not here (apt-get install qemu-user)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacking)
    processes = {cpu: begun(start, cpu, QEMU, "-cpu", cpu) for cpu in EMULATED}
    return {cpu: ended(process) for cpu, process in processes.items()}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("cpu", EMULATED)
def test_every_output_has_the_same_bytes_on_another_processor(cpu, here, there) -> None:
    assert there[cpu]["hashes"] == here["hashes"]


def test_no_stage_calls_a_function_that_rounds_by_the_processor(here) -> None:
    # Emulation cannot show what MKL's vector library does on AVX-512 of Intel.
    assert here["functions"] == {}


def test_libraries_that_are_told_nothing_make_other_bytes(start, here) -> None:
    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        pytest.skip("no processor with AVX2")
    own = ended(begun(start, "own", own=True))["hashes"]
    different = {name for name, sha in here["hashes"].items() if own[name] != sha}
    assert "classifiers/resnet18" in different
    assert "results/train_classifier/classifier.safetensors" in different
