"""Why no unit can be corrected here: what tells the generator's own artifacts from normal ones.

Two questions. Which units fire more strongly in artifacts than in normal generations, and which
less? And do artifacts lie between churches with the tower on the left and on the right? The side
is read from an image by a ridge regression on the scene encoder's features, fitted on rendered
churches, whose tower is known; then it is fitted as a linear function of the latent to normal
generations of one half of the labels. Everything about artifacts is said of the other half, or of
held-out ones, whose images have had no part in it.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import click
import numpy as np
import torch

from artifact_units.corrections.correction import artifact_probability
from artifact_units.corrections.sources import classifying
from artifact_units.extractors.scene import load
from artifact_units.generators import load_generator
from artifact_units.images.image_sets import byte_from_signed
from artifact_units.images.latents import HELDOUT, latents_of
from artifact_units.labels.verdicts import read_verdicts, settle
from artifact_units.layers.generator import Generator
from artifact_units.layers.hooks import featuremaps_of
from artifact_units.layers.placing import sample
from demo.domain.churches import render_scenes

DEMO = Path(__file__).parents[2] / "demo"
STREAM = 2**33  # of the renderer: churches that nothing else is made of
RENDERED, BATCH, PX = 1500, 100, 64
RIDGE = 1.0
TELLS = 0.25  # a unit tells artifacts apart where its AUC is below this or above 1 - this
OUTSIDE = 1.0  # side that latents are moved out to; -1 and 1 are left and right
HELD_OUT = 1000
SURE = 0.9  # artifact probability from which a held-out generation is moved


def area(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each column: how often a positive is higher, ties half."""
    gap = positive[:, None] - negative
    return (gap > 0).mean((0, 1)) + (gap == 0).mean((0, 1)) / 2


def with_one(points: np.ndarray) -> np.ndarray:
    """``points`` ``[point, value]`` with a column of ones."""
    return np.concatenate([points, np.ones((len(points), 1))], axis=1)


def fitted(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weights of a ridge regression, the constant's last."""
    rows = with_one(points)
    return np.linalg.solve(rows.T @ rows + RIDGE * np.eye(rows.shape[1]), rows.T @ values)


def maxima(generator: Generator, ids: np.ndarray) -> dict[str, np.ndarray]:
    """The largest value of each unit in each generation, ``[generation, unit]`` by layer."""
    names = [layer.name for layer in generator.layers[:8]]
    found: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for start in range(0, len(ids), BATCH):
        latents = latents_of(ids[start : start + BATCH], generator.latent_dim)
        for name, maps in featuremaps_of(generator, latents, names).items():
            found[name].append(maps.amax((2, 3)).numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


def say_units(generator: Generator, ids: np.ndarray, artifact: np.ndarray) -> None:
    """Print how many units of each layer are higher, and lower, in artifacts."""
    for layer, values in maxima(generator, ids).items():
        areas = area(values[artifact], values[~artifact])
        higher, lower = (areas > 1 - TELLS).sum(), (areas < TELLS).sum()
        ends = f"AUC {areas.min():.2f} to {areas.max():.2f}"
        click.echo(f"{layer}: of {len(areas)} units {higher} higher, {lower} lower; {ends}")


def tower_side(generator: Generator, ids: np.ndarray) -> np.ndarray:
    """-1 (left) or 1 (right), as the scene encoder sees it, ``[generation]``."""
    extract = load(DEMO / "scene_encoder.safetensors", torch.device("cpu")).extract
    images, noted = render_scenes(STREAM, range(RENDERED), PX)
    church = noted["church"].numpy()  # base, x, half, height, pitch, tower, wide, tall
    reading = fitted(extract(images).numpy(), church[:, 5] - church[:, 1])
    generations = torch.cat(list(sample(generator, ids, BATCH)))
    return np.sign(with_one(extract(generations).numpy()) @ reading)


def say_sides(generator: Generator, ids: np.ndarray, artifact: np.ndarray) -> np.ndarray:
    """Print how the share of artifacts depends on the side; its weights, the constant's last."""
    seen, latents = tower_side(generator, ids), latents_of(ids, generator.latent_dim).numpy()
    half = np.arange(len(ids)) % 2 == 0
    known, other = half & ~artifact, ~half
    weights = fitted(latents[known], seen[known])
    side = with_one(latents) @ weights
    right = (np.sign(side) == seen)[other & ~artifact].mean()
    click.echo(f"side of the tower from the latent: right in {right:.3f} of other normals")
    near = -np.abs(side)
    told = area(near[other & artifact, None], near[other & ~artifact, None])[0]
    click.echo(f"artifacts told from normals by nearness to the middle: AUC {told:.3f}")
    edges = np.quantile(near[other], np.linspace(1, 0, 6))
    for high, low in pairwise(edges):
        here = other & (near <= high) & (near >= low)
        share = f"{artifact[here].sum()} of {here.sum()} are artifacts"
        click.echo(f"  |side| {-high:.2f} to {-low:.2f}: {share}, {artifact[here].mean():.2f}")
    return weights


def moves_of(points: np.ndarray, to: np.ndarray) -> dict[str, np.ndarray]:
    """No move; the move to ``to``; one of the same lengths in directions drawn at random."""
    lengths = np.linalg.norm(to - points, axis=1, keepdims=True)
    random = np.random.RandomState(0).standard_normal(points.shape)
    random *= lengths / np.linalg.norm(random, axis=1, keepdims=True)
    return {"not moved": 0 * points, "moved there": to - points, "moved anywhere": random}


@torch.inference_mode()
def say_moved(generator: Generator, classifier: Path, weights: np.ndarray) -> None:
    """Print the artifact probability of held-out latents moved out of the middle, and into it."""
    classify = classifying(classifier, torch.device("cpu"))

    def probability(points: np.ndarray) -> np.ndarray:
        chunks = torch.from_numpy(points.astype(np.float32)).split(BATCH)
        images = (byte_from_signed(generator(chunk)) for chunk in chunks)
        return torch.cat([artifact_probability(classify, i) for i in images]).numpy()

    latents = latents_of(range(HELDOUT, HELDOUT + HELD_OUT), generator.latent_dim).numpy()
    before, side = probability(latents), with_one(latents) @ weights
    inside = latents[(before >= SURE) & (np.abs(side) < OUTSIDE)]
    outside = latents[(before <= 1 - SURE) & (np.abs(side) > OUTSIDE)]
    normal = weights[:-1] / (weights[:-1] @ weights[:-1])
    for name, points, goal in (("artifacts out", inside, OUTSIDE), ("normals in", outside, 0)):
        now = with_one(points) @ weights
        moves = moves_of(points, points + np.outer(goal * np.sign(now) - now, normal))
        length = np.linalg.norm(moves["moved there"], axis=1).mean()
        click.echo(f"{len(points)} held-out {name} to |side| {goal}, by {length:.2f} on average:")
        for way, move in moves.items():
            found = probability(points + move)
            error = 1.96 * found.std(ddof=1) / np.sqrt(len(found))
            click.echo(f"  {way}: artifact probability {found.mean():.3f} ± {error:.3f}")


@click.command()
@click.option("--classifier", type=click.Path(path_type=Path), required=True, help="To judge by.")
def main(classifier: Path) -> None:
    """Print what tells the embedded generator's own artifacts from its normal generations."""
    torch.set_num_threads(1)
    generator = load_generator(DEMO / "church_generator.safetensors")
    settled = settle(read_verdicts(DEMO / "natural/labels.jsonl"))
    ids = np.array(list(settled))
    artifact = np.array([label == "artifact" for label, _ in settled.values()])
    say_units(generator, ids, artifact)
    say_moved(generator, classifier, say_sides(generator, ids, artifact))


if __name__ == "__main__":
    main()
