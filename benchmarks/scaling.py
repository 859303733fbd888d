"""Ten times the images: CPU time and peak memory of the stages that go through images.

``python -m benchmarks.scaling`` runs the stages' own commands, as dvc.yaml has them, in a folder of
their own. A small generator stands in, since growth does not ask how large it is; the brighter half
of its generations is labelled artifact, and what the classifier says of them afterwards is replaced
by a verdict for every other one. Start of Python and torch is part of both times. Peaks are of
whole processes.
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

from artifact_units.classifier.heatmaps import HeatmapSet, read_heatmaps, write_heatmaps
from artifact_units.files.tables import write_table
from artifact_units.generators import as_generator, save_generator
from artifact_units.generators.pggan import PGGAN
from artifact_units.images.image_sets import open_images, write_images
from artifact_units.labels.splits import stratified
from benchmarks.common import start

ROOT = Path(__file__).parents[1]
CORRECTIONS = ("none", "sequential")
RANKINGS = ("defective_score", "range_excess", "activation_difference")
STAGES = (
    "sample_generations",
    "annotate_generations",
    "read_reals",
    "train_classifier",
    "compute_masks",
    "collect_featuremaps",
    "extract_reference_features",
    *(f"score_units@{name}" for name in RANKINGS),
    *(f"fit_corrections@{name}" for name in CORRECTIONS),
    "choose_correction",
    *(f"correct_generations@{name}" for name in CORRECTIONS),
    *(f"extract_features@{name}" for name in CORRECTIONS),
    "evaluate_generations",
)
TIMES, MORE = 10.5, 0.1  # the most that ten times the images may take: of time, more of memory

# A process's peak is at least that of the one that started it, so a small one starts the stage.
RUNNER = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(done.stderr if done.returncode else 0)
"""


def set_up(place: Path, images: int, px: int) -> dict[str, str]:
    """Inputs for so many images in ``place``; the command of each stage there."""
    depth = 2 * px.bit_length() - 4  # layers: two of 4 px, and two more each time the side doubles
    (place / "demo").mkdir()
    demo = [f"demo/{file.name}" for file in (ROOT / "demo").iterdir()]  # its dvc.yaml must be here
    demo.remove("demo/params.yaml")
    for name in ("artifact_units", "steps", "params", "dvc.yaml", *demo):
        (place / name).symlink_to(ROOT / name)
    values, embedded = _values("params.yaml"), _values("demo/params.yaml")
    values["inputs"] |= {
        "generator": "generator.safetensors",
        "reals": "reals",
        "labels": "labels",
        "truth": "params/no_truth",
    }
    values["run"]["device"] = "cpu"
    values["sample_generations"] |= dict.fromkeys(("labelled", "unlabelled", "heldout"), images)
    embedded["annotate_generations"]["reference"] = images
    values["read_reals"] |= {"px": px, "images": images}
    values["collect_featuremaps"] |= {
        "layers": [f"layer{k}" for k in range(1, depth + 1)],
        "images": images,
    }
    values["train_classifier"] |= {"px": px, "reals": images, "epochs": 2}
    values["extract_features"]["reals"] = images
    half = {"artifacts": images // 2, "normals": images // 2}
    corrections = values["fit_corrections"]["corrections"]
    kept = {name: corrections[name] for name in CORRECTIONS}
    kept["sequential"]["stop"] = depth
    rankings = values["score_units"]["rankings"]
    values["score_units"]["rankings"] = {name: rankings[name] for name in RANKINGS}
    values["fit_corrections"] |= {"artifacts": 5, "normals": 5, "corrections": kept}
    values["correct_generations"] |= half
    for name, written in (("params.yaml", values), ("demo/params.yaml", embedded)):
        with (place / name).open("w", encoding="utf-8") as file:
            YAML().dump(written, file)
    _write_inputs(place, images, px, depth)
    subprocess.run(["git", "init", "-q", place], check=True)
    (place / ".dvc").mkdir()
    (place / ".dvc/config").write_text((ROOT / ".dvc/config").read_text(encoding="utf-8"))
    with Repo(str(place)) as repo:
        stages: Any = repo.index.stages
        return {stage.name: stage.cmd for stage in stages if stage.name in STAGES}


def _values(name: str) -> Any:
    return YAML().load((ROOT / name).read_text(encoding="utf-8"))


def _write_inputs(place: Path, images: int, px: int, depth: int) -> None:
    torch.manual_seed(0)
    planted = place / "results/plant_defects"
    for path in (planted / "truth/clean.safetensors", place / "generator.safetensors"):
        network = PGGAN(16, [16] * depth)
        for tensor in network.parameters():
            torch.nn.init.normal_(tensor, std=0.15)
        save_generator(path, as_generator(network))
    (planted / "generator.safetensors").symlink_to(place / "generator.safetensors")
    (planted / "truth/units.json").write_text("{}", encoding="utf-8")
    reals = torch.randint(0, 256, (images, 3, px, px), dtype=torch.uint8)
    write_images(place / "reals", range(images), iter(reals.split(1000)))


def label(results: Path) -> None:
    """Call the brighter half of the labelled generations artifacts."""
    found = open_images(results / "sample_generations/labelled")
    light = torch.cat([some.float().mean((1, 2, 3)) for some in found.batches(1000)])
    names = ["artifact" if bright else "normal" for bright in light > light.median()]
    splits = stratified(found.ids, names, validation=0.15, test=0.15, seed=0)
    columns = {"id": found.ids, "label": names, "split": splits, "raters": [1] * len(names)}
    (results / "label_generations").mkdir()
    write_table(results / "label_generations/labels.parquet", "labels", columns)


def decide(results: Path) -> None:
    """Call every other image an artifact, for certain, and see it anywhere."""
    path = results / "compute_masks/heatmaps.parquet"
    parts = {}
    for name in ("labelled", "heldout"):
        said = read_heatmaps(path, name)
        logits = torch.zeros_like(said.logits)
        logits[np.arange(len(said)), np.arange(len(said)) % 2] = 20.0
        parts[name] = HeatmapSet(said.ids, logits, torch.rand_like(said.heatmaps))
    path.with_name(path.name + ".manifest.json").unlink()
    write_heatmaps(path, parts)


AFTERWARDS = {"sample_generations": label, "compute_masks": decide}


def measured(place: Path, command: str) -> tuple[float, float]:
    """CPU seconds and peak bytes of a stage's command."""
    words = [sys.executable, "-c", RUNNER, *shlex.split(command)[1:]]
    done = subprocess.run(words, cwd=place, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(done.stderr)
    seconds, kilobytes = map(float, done.stdout.split())
    return seconds, 1024 * kilobytes


def all_stages(images: int, px: int) -> dict[str, tuple[float, float]]:
    """What each stage costs with so many images."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        commands = set_up(place, images, px)
        found = {}
        for stage in STAGES:
            found[stage] = measured(place, commands[stage])
            if stage in AFTERWARDS:
                AFTERWARDS[stage](place / "results")
        return found


@click.command()
@click.option("--images", default=1000, help="Of each set; then ten times as many.")
@click.option("--px", default=16, help="Their side, a power of two.")
def main(images: int, px: int) -> None:
    """Print how CPU time and memory of the stages grow with ten times the images."""
    start(f"{images} images of each set and {10 * images}, {px} px: cpu s and peak MB")
    few, many = all_stages(images, px), all_stages(10 * images, px)
    click.echo(f"{'':32} {'cpu s':>14} {'times':>6} {'peak MB':>14} {'more':>6}")
    for stage in STAGES:
        (less, low), (more, high) = few[stage], many[stage]
        beyond = " beyond the goal" if more > TIMES * less or high > (1 + MORE) * low else ""
        click.echo(
            f"{stage:32} {f'{less:.1f} {more:.1f}':>14} {more / less:6.1f} "
            f"{f'{low / 1e6:.0f} {high / 1e6:.0f}':>14} {high / low - 1:+6.0%}{beyond}"
        )


if __name__ == "__main__":
    main()
