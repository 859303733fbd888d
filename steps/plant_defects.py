"""Plant defects with a known truth into the embedded generator."""

from __future__ import annotations

import json
from pathlib import Path

import click

from steps.making.command import input_path, output_path, say, step
from steps.making.embedded import PlantDefects
from steps.making.parameters import Run


@step(PlantDefects, run=True)
@input_path("generator", "Checkpoint of a good PGGAN.")
@output_path("out", "Checkpoint of the broken generator.")
@output_path("truth", "Folder of truth: units.json, clean.safetensors.")
@click.option("--mask_difference", type=float, required=True, help="As of annotate_generations.")
@click.option("--area", type=float, required=True, help="As of annotate_generations.")
def main(
    generator: Path,
    out: Path,
    truth: Path,
    mask_difference: float,
    area: float,
    params: PlantDefects,
    run: Run,
) -> None:
    """Plant defects with a known truth into the embedded generator."""
    from artifact_units.computing import devices
    from artifact_units.files.storage import whole_folder, write_text
    from artifact_units.generators import load_generator, save_generator
    from demo.domain.judging import Bounds, first_accepted

    # Never on a GPU: which seed is accepted must not hang on how a device rounds.
    devices.prepare("cpu", run.threads)
    bounds = Bounds(params.lowest, params.highest, params.single_layer, mask_difference, area)
    seeds = range(params.seed, params.seed + params.tries)
    planted = first_accepted(load_generator(generator), seeds, bounds, run.batch, say)
    with whole_folder(truth) as part:
        write_text(part / "units.json", json.dumps(planted.units, sort_keys=True) + "\n")
        save_generator(part / "clean.safetensors", planted.clean)
    save_generator(out, planted.broken)


if __name__ == "__main__":
    main()
