"""Ten times the images: CPU time and peak memory of the stages that go through images.

``python -m benchmarks.scaling`` runs the stages' own commands, as dvc.yaml has them, in a folder of
their own: a small generator and an untrained classifier stand in, since growth does not ask how
large they are. What an untrained classifier says is replaced by a verdict for every other image.
Start of Python and torch is part of both times. Peaks are of whole processes.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from dvc.repo import Repo
from ruamel.yaml import YAML

from artifact_units.classifier import new_classifier, save_classifier
from artifact_units.generators import as_generator, save_generator
from artifact_units.generators.pggan import PGGAN
from artifact_units.heatmaps import HeatmapSet, read_heatmaps, write_heatmaps
from artifact_units.images import write_images
from artifact_units.tables import write_table
from benchmarks.common import start

ROOT = Path(__file__).parents[1]
PX = 16
CORRECTION = "sequential"
STAGES = (
    "sample_generations",
    "read_reals",
    "compute_masks",
    "collect_featuremaps",
    "extract_reference_features",
    "score_units",
    f"correct_generations@{CORRECTION}",
    f"extract_features@{CORRECTION}",
)

# A process's peak is at least that of the one that started it, so a small one starts the stage.
RUNNER = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(done.stderr if done.returncode else 0)
"""


def set_up(place: Path, images: int) -> dict[str, str]:
    """Inputs for so many images in ``place``; the command of each stage there."""
    for name in ("artifact_units", "demo", "steps", "params", "dvc.yaml"):
        (place / name).symlink_to(ROOT / name)
    values = YAML().load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    values["inputs"] |= {
        "generator": "generator.safetensors",
        "reals": "reals",
        "labels": "labels",
        "truth": "params/no_truth",
    }
    values["run"]["device"] = "cpu"
    values["sample_generations"] |= dict.fromkeys(("labelled", "unlabelled", "heldout"), images)
    values["read_reals"] |= {"px": PX, "images": images}
    values["collect_featuremaps"] |= {
        "layers": [f"layer{k}" for k in range(1, 7)],
        "images": images,
    }
    values["extract_features"]["reals"] = images
    half = {"artifacts": images // 2, "normals": images // 2}
    values["correct_generations"] |= half
    values["correct_generations"]["corrections"][CORRECTION]["stop"] = 6
    with (place / "params.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(values, file)
    _write_inputs(place, images)
    subprocess.run(["git", "init", "-q", place], check=True)
    (place / ".dvc").mkdir()
    (place / ".dvc/config").write_text((ROOT / ".dvc/config").read_text(encoding="utf-8"))
    with Repo(str(place)) as repo:
        stages: Any = repo.index.stages
        return {stage.name: stage.cmd for stage in stages if stage.name in STAGES}


def _write_inputs(place: Path, images: int) -> None:
    torch.manual_seed(0)
    network = PGGAN(16, [16] * 6)
    for tensor in network.parameters():
        torch.nn.init.normal_(tensor, std=0.15)
    save_generator(place / "generator.safetensors", as_generator(network))
    for folder in ("train_classifier", "label_generations"):
        (place / "results" / folder).mkdir(parents=True)
    classifier = new_classifier("resnet18_narrow", PX, 0)
    save_classifier(place / "results/train_classifier/classifier.safetensors", classifier)
    reals = torch.randint(0, 256, (images, 3, PX, PX), dtype=torch.uint8)
    write_images(place / "reals", range(images), iter(reals.split(1000)))
    columns = {
        "id": range(images),
        "label": ["artifact", "normal"] * (images // 2),
        "split": ["train"] * images,
        "raters": [1] * images,
    }
    write_table(place / "results/label_generations/labels.parquet", "labels", columns)


def decide(path: Path) -> None:
    """Call every other image an artifact, for certain, and see it anywhere."""
    parts = {}
    for name in ("labelled", "heldout"):
        said = read_heatmaps(path, name)
        logits = torch.zeros_like(said.logits)
        logits[np.arange(len(said)), np.arange(len(said)) % 2] = 20.0
        parts[name] = HeatmapSet(said.ids, logits, torch.rand_like(said.heatmaps))
    path.with_name(path.name + ".manifest.json").unlink()
    write_heatmaps(path, parts)


def measured(place: Path, command: str) -> tuple[float, float]:
    """CPU seconds and peak bytes of a stage's command."""
    words = [sys.executable, "-c", RUNNER, *shlex.split(command)[1:]]
    done = subprocess.run(words, cwd=place, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(done.stderr)
    seconds, kilobytes = map(float, done.stdout.split())
    return seconds, 1024 * kilobytes


def all_stages(images: int) -> dict[str, tuple[float, float]]:
    """What each stage costs with so many images."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        commands = set_up(place, images)
        found = {}
        for stage in STAGES:
            found[stage] = measured(place, commands[stage])
            if stage == "compute_masks":
                decide(place / "results/compute_masks/heatmaps.parquet")
        return found


@click.command()
@click.option("--images", default=200, help="Of each set; then ten times as many.")
def main(images: int) -> None:
    """Print how CPU time and memory of the stages grow with ten times the images."""
    start(f"{images} images of each set and {10 * images}, {PX} px: cpu s and peak MB")
    few, many = all_stages(images), all_stages(10 * images)
    click.echo(f"{'':36} {'cpu s':>14} {'times':>6} {'peak MB':>14} {'more':>6}")
    for stage in STAGES:
        (less, low), (more, high) = few[stage], many[stage]
        click.echo(
            f"{stage:36} {f'{less:.1f} {more:.1f}':>14} {more / less:6.1f} "
            f"{f'{low / 1e6:.0f} {high / 1e6:.0f}':>14} {high / low - 1:+6.0%}"
        )


if __name__ == "__main__":
    main()
