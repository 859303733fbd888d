"""Collect histograms of every unit, and the labelled generations' featuremaps."""

from __future__ import annotations

from pathlib import Path

import click

from steps.command import input_path, output_path, say, step
from steps.parameters import CollectFeaturemaps, Run


@step(CollectFeaturemaps, run=True)
@input_path("generator", "Checkpoint of the generator.")
@input_path("labels", "Table of labels; those of the test split are left out.")
@click.option("--unlabelled", type=click.IntRange(1), required=True, help="Generations surveyed.")
@output_path("out", "Folder: histograms.parquet, maxima.parquet, featuremaps/.")
def main(
    generator: Path,
    labels: Path,
    unlabelled: int,
    out: Path,
    params: CollectFeaturemaps,
    run: Run,
) -> None:
    """Collect histograms of every unit, and the labelled generations' featuremaps."""
    import numpy as np

    from artifact_units import compute, featuremaps, histograms
    from artifact_units.generators import load_generator
    from artifact_units.latents import UNLABELLED
    from artifact_units.selection import labelled_ids
    from artifact_units.storage import whole_folder

    device = compute.prepare(run.device, run.threads)
    network = load_generator(generator).to(device)
    layers = featuremaps.in_network_order(network, params.layers)
    ids = labelled_ids(labels, params.images)
    featuremaps.check_limit(layers, len(ids), params.limit_gb)
    size = featuremaps.bytes_needed(layers, len(ids)) / 1e6
    say(f"will write {size:.1f} MB of featuremaps: {len(ids)} generations, {len(layers)} layers")
    surveyed = np.arange(UNLABELLED, UNLABELLED + unlabelled)
    counted, maxima = featuremaps.survey(network, layers, surveyed, run.batch)
    with whole_folder(out) as part:
        histograms.write_histograms(part / "histograms.parquet", counted)
        featuremaps.write_maxima(part / "maxima.parquet", surveyed, maxima)
        featuremaps.write_featuremaps(part / "featuremaps", network, layers, ids, run.batch)
    units = sum(layer.units for layer in layers)
    say(f"{units} units of {layers[0].name} … {layers[-1].name} on {device}")


if __name__ == "__main__":
    main()
