"""How well the labels of the generator's own artifacts can be learnt: five splits, and a control.

A classifier is trained as in the default run on each of five splits of the labels, and judged on
the generations of its test split; the real images, which are easy, are left out of the figures.
The control has the same labels, dealt out anew.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np
import pyarrow as pa
import torch

from artifact_units.classifier import training
from artifact_units.classifier.examples import examples_of
from artifact_units.classifier.network import new_classifier, save_classifier
from artifact_units.files.tables import read_table
from artifact_units.images.image_sets import open_images
from artifact_units.labels.splits import stratified
from studies.natural.why import area

NETWORK, PX, REALS, BATCH = "resnet18_narrow", 64, 500, 100
SHARES = {"validation": 0.15, "test": 0.25}
TRAINING = {"frozen": False, "epochs": 8, "minibatch": 32, "rate": 0.004}
SPLITS = 5


def judged(results: Path, seed: int, dealt: bool, out: Path) -> str:
    """Train on one split, keep the classifier in ``out``; what it says of its test generations."""
    table = read_table(results / "label_generations/labels.parquet", "labels")
    ids, labels = table["id"].to_pylist(), table["label"].to_pylist()
    if dealt:
        labels = [labels[i] for i in np.random.RandomState(seed).permutation(len(labels))]
    columns = {"id": ids, "label": labels, "split": stratified(ids, labels, **SHARES, seed=seed)}
    sets = open_images(results / "sample_generations/labelled"), open_images(results / "read_reals")
    with TemporaryDirectory() as folder:
        given = pa.table(columns)
        examples = examples_of(given, *sets, REALS, PX, Path(folder))
    classifier = new_classifier(NETWORK, PX, seed)
    training.fit(classifier, examples, seed=seed, **TRAINING)
    save_classifier(out / f"{'dealt' if dealt else 'split'}{seed}.safetensors", classifier)
    rows = examples.rows("test")
    rows = rows[examples.classes[rows] < 2]  # no real images
    logits = training.predict(classifier, examples, rows, BATCH)
    margin, artifact = (logits[:, 0] - logits[:, 1]).numpy(), examples.classes[rows].numpy() == 0
    auc = area(margin[artifact, None], margin[~artifact, None])[0]
    found, kept = (margin[artifact] > 0).mean(), (margin[~artifact] <= 0).mean()
    right = ((margin > 0) == artifact).mean()
    return f"accuracy {right:.3f}, of artifacts {found:.3f}, of normals {kept:.3f}, AUC {auc:.3f}"


@click.command()
@click.option("--results", type=click.Path(path_type=Path), required=True, help="Of the run.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for them.")
def main(results: Path, out: Path) -> None:
    """Train classifiers on five splits and on labels dealt out anew; print how they do."""
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    for seed in range(SPLITS):
        click.echo(f"split {seed}: {judged(results, seed, False, out)}")
    click.echo(f"labels dealt out anew: {judged(results, 1, True, out)}")


if __name__ == "__main__":
    main()
