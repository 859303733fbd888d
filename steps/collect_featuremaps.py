"""Collect histograms of every unit, and the labelled generations' featuremaps."""

from __future__ import annotations

from pathlib import Path

import click

from artifact_units.files.parts import Shards, each, gather
from steps.making.command import input_path, output_path, say, step
from steps.making.loading import generator_once
from steps.making.parameters import CollectFeaturemaps, Run
from steps.making.shards import sharded


@step(CollectFeaturemaps, run=True)
@input_path("generator", "Checkpoint of the generator.")
@input_path("labels", "Table of labels; those of the test split are left out.")
@click.option("--unlabelled", type=click.IntRange(1), required=True, help="Generations surveyed.")
@output_path("out", "Folder: histograms.parquet, maxima.parquet, featuremaps/.")
@sharded
def main(
    out: Path, unlabelled: int, params: CollectFeaturemaps, run: Run, shards: Shards, **known: Path
) -> None:
    """Collect histograms of every unit, and the labelled generations' featuremaps."""
    from artifact_units.classifier.selection import labelled_ids
    from artifact_units.computing import devices
    from artifact_units.files.storage import whole_folder
    from artifact_units.images.latents import UNLABELLED
    from artifact_units.layers import placing
    from artifact_units.units import collection, survey

    device = devices.prepare(run.device, run.threads)
    network = generator_once(known["generator"], device, run)()
    layers = collection.in_network_order(network, params.layers)
    ids = labelled_ids(known["labels"], params.images)
    collection.check_limit(layers, len(ids), params.limit_gb)
    size = collection.bytes_needed(layers, len(ids)) / 1e6
    say(f"will write {size:.1f} MB of featuremaps: {len(ids)} generations, {len(layers)} layers")
    surveyed = range(UNLABELLED, UNLABELLED + unlabelled)
    surveys = survey.survey_parts(network, layers, surveyed, run.batch)
    maps = collection.featuremap_parts(network, layers, ids, run.batch)
    if shards.share:
        computed = shards.compute([*surveys, *maps])
    else:
        with whole_folder(out) as whole:
            survey.write_survey(whole, layers, surveyed, each(surveys, out, shards.folder))
            computed = gather(maps, whole, shards.folder)
    changed = placing.effect(network, surveyed, run.batch) if computed else ""
    units = sum(layer.units for layer in layers)
    say(f"{units} units of {layers[0].name} … {layers[-1].name} on {device}{changed}")


if __name__ == "__main__":
    main()
