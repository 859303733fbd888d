"""Sample generations, a latent seed an id, as lossless image shards."""

from __future__ import annotations

from pathlib import Path

from artifact_units.files.parts import Shards, gather
from steps.making.command import input_path, output_path, say, step
from steps.making.loading import generator_once
from steps.making.parameters import Run, SampleGenerations
from steps.making.shards import sharded


@step(SampleGenerations, run=True)
@input_path("generator", "Checkpoint of the generator.")
@output_path("out", "Folder of image sets: labelled, unlabelled, heldout.")
@sharded
def main(
    generator: Path,
    out: Path,
    params: SampleGenerations,
    run: Run,
    shards: Shards,
) -> None:
    """Sample generations, a latent seed an id, as lossless image shards."""
    from artifact_units.computing import devices
    from artifact_units.files.storage import whole_folder
    from artifact_units.images import latents
    from artifact_units.layers import placing
    from artifact_units.layers.sampling import sampled_parts

    device = devices.prepare(run.device, run.threads)
    network = generator_once(generator, device, run)
    sets = {
        "labelled": range(latents.LABELLED, latents.LABELLED + params.labelled),
        "unlabelled": range(latents.UNLABELLED, latents.UNLABELLED + params.unlabelled),
        "heldout": range(latents.HELDOUT, latents.HELDOUT + params.heldout),
    }
    parts = sampled_parts(network, sets, run.batch)
    if shards.share:
        computed = shards.compute(parts)
    else:
        with whole_folder(out) as whole:
            computed = gather(parts, whole, shards.folder)
    changed = placing.effect(network(), sets["labelled"], run.batch) if computed else ""
    made = f"{sum(map(len, sets.values()))} generations, {computed} of {len(parts)} parts computed"
    say(f"{made} on {device}{changed}")


if __name__ == "__main__":
    main()
