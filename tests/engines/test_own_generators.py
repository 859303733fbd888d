"""The whole pipeline, sample to export, on one small checkpoint of each family.

The commands are dvc.yaml's own, filled in by DVC; they run in this process, so that torch is
imported once. Labels are made up by a rule that can be learnt: the bright half are artifacts.
"""

from __future__ import annotations

import importlib
import os
import shlex
from pathlib import Path

import pytest
import torch
from checkout import Checkout
from click.testing import CliRunner
from parity.cases import FOLDER
from PIL import Image

from artifact_units.corrections.export import difference, read_edits
from artifact_units.files.manifests import SUFFIX
from artifact_units.files.storage import sha256_of
from artifact_units.generators import load_generator
from artifact_units.images.image_sets import open_images
from artifact_units.labels.verdicts import Verdict, lines_of
from artifact_units.layers.edits import Scale
from workflow.graph import read_graph

# Checkpoint, what a .yaml file must say of it, and the layout that the correction comes out in.
FAMILIES = {
    "pggan": ("pggan-gandissect-a/checkpoint.pth", "", "pggan-gandissect"),
    "stylegan2": ("stylegan2-nvada-a/network-snapshot-py37.pkl", "", "artifact-units"),
    "unetgan": ("unetgan-a/G_ema_ep_82.pth", "", "unetgan"),
    "biggan": ("biggan-ajbrock-a/G_ema_best0.pth", "class: 2", "biggan-ajbrock"),
}
SMALL = {
    "inputs.reals": "reals",
    "inputs.labels": "labels.jsonl",
    "inputs.truth": "params/no_truth",
    "run.device": "cpu",
    "run.batch": 20,
    "sample_generations": {"labelled": 60, "unlabelled": 20, "heldout": 30},
    "label_generations.least": 3,
    "train_classifier.px": 32,
    "train_classifier.reals": 10,
    "train_classifier.epochs": 12,
    "train_classifier.minibatch": 8,
    "compute_masks.stage": "layer2",
    "collect_featuremaps.layers": ["layer1", "layer2"],
    "collect_featuremaps.images": 6,
    "score_units.iou_px": 16,
    "score_units.bootstrap": 0,
    "score_units.rankings": {
        "defective_score": {"ranking": "defective_score", "normalise": "none"}
    },
    "choose_correction": {
        "artifacts": 2, "normals": 2, "harm": 10.0, "ranking": ["defective_score"],
        "corrector": ["clip"], "n": [1], "start": [1], "stop": [2], "scale": [1.0],
    },
    "correct_generations.artifacts": 3,
    "correct_generations.normals": 3,
    "correct_generations.corrections": {
        "none": {"ranking": "defective_score", "corrector": "ablation", "layer": "layer1", "n": 0},
        "sequential": {
            "ranking": "defective_score",
            "corrector": "sequential",
            "stop": 2,
            "n": 2,
            "scale": 1.0,
        },
    },
    "export_generator.correction": "sequential",
    "extract_features.reals": 10,
    "evaluate_generations": {
        "neighbours": 1, "subsets": 2, "subset_size": 3, "bootstrap": 0, "seed": 0
    },
    "report": {"generations": 1, "units": 1, "failures": 1},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch, tmp_path):
    """A working folder of its own, and torch left as it was found."""
    monkeypatch.chdir(tmp_path)
    before = torch.get_deterministic_debug_mode()
    yield
    torch.set_deterministic_debug_mode(before)


def user(path: Path, checkpoint: Path, said: str) -> None:
    """What a user puts beside the project: a checkpoint, a folder of images; no labels yet."""
    (path / checkpoint.name).write_bytes(checkpoint.read_bytes())
    generator = checkpoint.name
    if said:
        generator = "generator.yaml"
        beside = f"generator: {checkpoint.name}\nsha256: {sha256_of(checkpoint)}"
        (path / generator).write_text(f"{beside}\n{said}\n")
    px = load_generator(path / generator).image_px
    Checkout(path).change({**SMALL, "inputs.generator": generator, "read_reals.px": px})
    (path / "reals" / "deep").mkdir(parents=True)
    for n in range(10):
        colour = (25 * n, 255 - 25 * n, 90)
        Image.new("RGB", (40, 30), colour).save(path / "reals" / "deep" / f"{n}.jpg")
    (path / "labels.jsonl").touch()


def label(path: Path, generator: Path) -> None:
    """Call the brighter half of the generations artifacts."""
    images = open_images(Path("results/sample_generations/labelled"))
    shades = images.take(images.ids).float().mean((1, 2, 3))
    names = ["artifact" if shade > shades.median() else "normal" for shade in shades]
    checkpoint = sha256_of(generator)
    verdicts = zip(images.ids.tolist(), names, strict=True)
    path.write_text(lines_of(Verdict(i, checkpoint, "me", name) for i, name in verdicts))


def run(command: str) -> str:
    """Run one command of dvc.yaml in this process; what it said."""
    words = shlex.split(command)
    assert words[:2] == ["python", "-m"]
    done = CliRunner().invoke(importlib.import_module(words[2]).main, words[3:])
    assert done.exit_code == 0, f"{command}\n{done.output}"
    return done.output


@pytest.mark.parametrize("family", FAMILIES)
def test_the_pipeline_runs_on_a_checkpoint_of_each_family(family, tmp_path):
    name, said, layout = FAMILIES[family]
    if not (FOLDER / name).exists():
        pytest.skip(f"{name} is not beside this checkout")
    checkout = Checkout.make(tmp_path / "it", {}, stand_ins=False)
    user(checkout.path, FOLDER / name, said)
    os.chdir(checkout.path)
    stages = [stage for stage in read_graph().stages if "steps." in (stage.cmd or "")]
    for stage in stages:
        if stage.name == "label_generations":
            label(Path("labels.jsonl"), Path(stage.deps[1].fs_path))
        heard = run(stage.cmd)
        if stage.name == "export_generator":
            assert f"layout {layout}," in heard
    assert {"read_reals", "export_generator", "report"} <= {stage.name for stage in stages}
    assert "</html>" in Path("results/report/report.html").read_text(encoding="utf-8")
    files = Path("results/export_generator").glob("corrected.*")
    (exported,) = (file for file in files if not file.name.endswith(SUFFIX))
    assert exported.suffix == (".safetensors" if layout == "artifact-units" else ".pth")
    edits = read_edits(Path("results/correct_generations/sequential/edits.json"))
    scales = [edit for edit in edits.values() if isinstance(edit, Scale)]
    assert any(factor != 1 for edit in scales for factor in edit.factors)
    whole, written = load_generator(Path(name).name), load_generator(exported)
    assert difference(whole, edits, written)[0] < 1e-4
