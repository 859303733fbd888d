"""What classifiers say of held-out generations after each correction: the one of the run, others.

The held-out artifacts were chosen by the run's own classifier at a high probability, and every
correction was found with it; another one, trained on another split, was asked in neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import torch

from artifact_units.corrections.correction import artifact_probability
from artifact_units.corrections.sources import classifying
from artifact_units.images.image_sets import open_images

BATCH, RESAMPLINGS = 100, 2000


def interval(values: np.ndarray) -> str:
    """The mean and its bootstrap interval of 95 %."""
    draws = np.random.RandomState(0).randint(0, len(values), (RESAMPLINGS, len(values)))
    low, high = np.quantile(values[draws].mean(1), [0.025, 0.975])
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


@torch.inference_mode()
def said(classifier: Path, folder: Path) -> np.ndarray:
    """Artifact probability of each generation of an image set, the mean over its repeats."""
    classify, images = classifying(classifier, torch.device("cpu")), open_images(folder)
    found = [artifact_probability(classify, batch) for batch in images.batches(BATCH)]
    _, place, count = np.unique(images.ids, return_inverse=True, return_counts=True)
    return np.bincount(place, torch.cat(found).numpy()) / count


@click.command()
@click.option("--corrected", type=click.Path(path_type=Path), required=True, help="Folder of them.")
@click.option("--classifier", "classifiers", type=click.Path(path_type=Path), multiple=True)
def main(corrected: Path, classifiers: Sequence[Path]) -> None:
    """Print the mean artifact probability after each correction, by each classifier."""
    torch.set_num_threads(1)
    for folder in sorted(p for p in corrected.iterdir() if p.is_dir()):
        for population in ("artifacts", "normals"):
            means = [interval(said(path, folder / population)) for path in classifiers]
            click.echo(f"{folder.name} {population}: {', '.join(means)}")


if __name__ == "__main__":
    main()
