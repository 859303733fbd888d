"""A whole small run on the disk, for tests that spoil one file of it and start one step again."""

from __future__ import annotations

import importlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from checkout import Checkout
from click.testing import CliRunner, Result
from house import ROOT

from artifact_units.files.manifests import SUFFIX, hashes_of
from steps.making.command import Input, Output
from workflow.graph import read_graph

SMALL = {
    "run.device": "cpu",
    "run.threads": 1,
    "run.batch": 20,
    "render_reals.images": 12,
    "plant_defects.lowest": 0.0,
    "plant_defects.highest": 1.0,
    "plant_defects.single_layer": 1.0,
    "annotate_generations.reference": 8,
    "sample_generations.labelled": 80,
    "sample_generations.unlabelled": 10,
    "sample_generations.heldout": 40,
    "label_generations.least": 3,
    "train_classifier.px": 32,
    "train_classifier.reals": 12,
    "train_classifier.epochs": 12,
    "train_classifier.minibatch": 16,
    "collect_featuremaps.layers": ["layer1", "layer2", "layer3", "layer4"],
    "collect_featuremaps.images": 3,
    "score_units.iou_px": 16,
    "score_units.bootstrap": 0,
    "score_units.rankings.random.repeats": 1,
    "score_units.rankings.unit_fid.top": 0.5,
    "fit_corrections.artifacts": 2,
    "fit_corrections.normals": 2,
    "correct_generations.artifacts": 4,
    "correct_generations.normals": 4,
    "fit_corrections.corrections": {
        "none": {"ranking": "defective_score", "corrector": "ablation", "layer": "layer1", "n": 0},
        "sequential": {
            "ranking": "defective_score",
            "corrector": "sequential",
            "stop": 4,
            "n": 3,
            "scale": 1.0,
        },
    },
    "extract_features.reals": 12,
    "evaluate_generations.neighbours": 1,
    "evaluate_generations.subsets": 2,
    "evaluate_generations.subset_size": 3,
    "evaluate_generations.bootstrap": 0,
    "report.generations": 1,
    "report.units": 1,
    "report.failures": 1,
}


@dataclass(frozen=True)
class World:
    """A checkout in which every stage has run; ``commands`` are the words of each, by stage."""

    path: Path
    commands: dict[str, list[str]]

    @classmethod
    def make(cls, path: Path) -> World:
        """Run every stage, in a process that torch is imported into once and without a network."""
        Checkout.make(path, SMALL, stand_ins=False)
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
        line = ["unshare", "-n", sys.executable, "-m", "reliability.world"]
        done = subprocess.run(
            line, cwd=path, env=environment, capture_output=True, text=True, check=False
        )
        need(done.returncode == 0, done.stderr[-2000:])
        return cls(path, json.loads(done.stdout))

    def copy(self, path: Path, *, linked: bool = True) -> World:
        """The same files elsewhere: links to them, or copies."""
        how = os.link if linked else shutil.copyfile
        shutil.copytree(self.path / "results", path / "results", copy_function=how)
        for name in ("demo", "params", "params.yaml"):
            (path / name).symlink_to(self.path / name)
        return World(path, self.commands)

    def run(self, stage: str, **instead: Path | str | float) -> Result:
        """Run a stage's command in this process and in the current folder.

        ``instead`` are other values for some of its options.
        """
        command, words = self._command(stage)
        for option, value in instead.items():
            words[words.index(f"--{option}") + 1] = str(value)
        return CliRunner().invoke(command, words)

    def paths(self, stage: str, kind: type[Input] | type[Output]) -> dict[str, Path]:
        """The paths that a stage reads or writes, by option."""
        command, words = self._command(stage)
        names = [option.opts[0] for option in command.params if isinstance(option, kind)]
        found = {name[2:]: Path(words[words.index(name) + 1]) for name in names}
        if kind is Input and "--weights" in words and words[words.index("--weights") + 1]:
            found["weights"] = Path(words[words.index("--weights") + 1])
        return found

    def state(self, stage: str) -> dict[Path, str]:
        """The sha256 of every file that a stage wrote, its manifests among them."""
        outputs = self.paths(stage, Output).values()
        beside = [file for out in outputs for file in out.parent.glob(f"{out.name}*{SUFFIX}")]
        present = [path for path in (*outputs, *beside) if path.exists()]
        return {file: sha for path in present for file, sha in hashes_of(path).items()}

    def _command(self, stage: str) -> tuple[click.Command, list[str]]:
        module, *words = self.commands[stage]
        command = importlib.import_module(module).main
        if isinstance(command, click.Group):
            command, words = command.commands[words[0]], words[1:]
        return command, words


def need(there: bool, why: str) -> None:
    """Skip a test that this machine cannot run; where CI runs, fail."""
    if not there:
        assert "CI" not in os.environ, why
        pytest.skip(why)


def one_line(result: Result) -> str:
    """What a step said that refused to go on: one line, exit status 1, no traceback."""
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == 1, result.output
    lines = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, result.output
    assert result.output.endswith(lines[0] + "\n"), result.output
    return lines[0]


def _run_all() -> None:
    """Run every stage of the checkout in the current folder; print their commands."""
    import torch

    torch.set_num_threads(1)
    interfaces = Path("/proc/net/dev").read_text().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
    stages = [stage for stage in read_graph().stages if "-m steps." in (stage.cmd or "")]
    world = World(Path.cwd(), {stage.name: shlex.split(stage.cmd)[2:] for stage in stages})
    for stage in stages:
        done = world.run(stage.name)
        if done.exit_code:
            sys.exit(f"{stage.cmd}\n{done.output}\n{done.exception!r}")
    print(json.dumps(world.commands))


if __name__ == "__main__":
    _run_all()
