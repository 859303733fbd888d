"""The whole pipeline on somebody's small checkpoint, in one process.

The commands are dvc.yaml's own, filled in by DVC. Labels are made up by a rule that can be learnt:
the bright half are artifacts.
"""

from __future__ import annotations

import importlib
import shlex
from pathlib import Path
from typing import Any

from checkout import Checkout
from click.testing import CliRunner
from PIL import Image

from artifact_units.files.storage import sha256_of
from artifact_units.images.image_sets import open_images
from artifact_units.labels.verdicts import Verdict, lines_of
from workflow.graph import read_graph

SMALL: dict[str, Any] = {
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
        "defective_score": {"ranking": "defective_score"}
    },
    "fit_corrections.artifacts": 2,
    "fit_corrections.normals": 2,
    "correct_generations.artifacts": 3,
    "correct_generations.normals": 3,
    "fit_corrections.corrections": {
        "none": {"ranking": "defective_score", "corrector": "ablation", "layer": "layer1", "n": 0},
        "sequential": {
            "ranking": "defective_score",
            "corrector": "sequential",
            "stop": 2,
            "n": 2,
            "scale": 1.0,
        },
    },
    "export_generator.edits": "results/fit_corrections/sequential/edits.json",
    "extract_features.reals": 10,
    "evaluate_generations": {
        "neighbours": 1, "subsets": 2, "subset_size": 3, "bootstrap": 0, "seed": 0,
        "weights": "params/no_weights",
    },
    "report": {"generations": 1, "units": 1, "failures": 1},
}  # fmt: skip


def put_user(checkout: Checkout, generator: str, px: int, changes: dict[str, Any]) -> None:
    """What a user puts beside the project: a checkpoint, a folder of images; no labels yet."""
    checkout.change({**SMALL, "inputs.generator": generator, "read_reals.px": px, **changes})
    reals = checkout.path / "reals" / "deep"
    reals.mkdir(parents=True)
    for n in range(10):
        Image.new("RGB", (40, 30), (25 * n, 255 - 25 * n, 90)).save(reals / f"{n}.jpg")
    (checkout.path / "labels.jsonl").touch()


def run_whole(generator: Path) -> dict[str, str]:
    """Run every step of the graph in the working folder; what each stage said."""
    said = {}
    for stage in read_graph().stages:
        if "steps." in (stage.cmd or ""):
            if stage.name == "label_generations":
                _label(Path("labels.jsonl"), generator)
            said[stage.name] = _run(stage.cmd)
    return said


def _label(path: Path, generator: Path) -> None:
    """Call the brighter half of the generations artifacts."""
    images = open_images(Path("results/sample_generations/labelled"))
    shades = images.take(images.ids).float().mean((1, 2, 3))
    names = ["artifact" if shade > shades.median() else "normal" for shade in shades]
    checkpoint = sha256_of(generator)
    verdicts = zip(images.ids.tolist(), names, strict=True)
    path.write_text(lines_of(Verdict(i, checkpoint, "me", name) for i, name in verdicts))


def _run(command: str) -> str:
    words = shlex.split(command)
    assert words[:2] == ["python", "-m"]
    done = CliRunner().invoke(importlib.import_module(words[2]).main, words[3:])
    assert done.exit_code == 0, f"{command}\n{done.output}"
    return done.output
