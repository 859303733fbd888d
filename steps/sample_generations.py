"""Sample generations, a latent seed an id, as lossless image shards."""

from __future__ import annotations

from pathlib import Path

from artifact_units.parts import Shards, gather
from steps.command import input_path, output_path, say, step
from steps.loading import generator_once
from steps.parameters import Run, SampleGenerations
from steps.shards import sharded


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
    from artifact_units import compute, latents
    from artifact_units.sampling import sampled_parts
    from artifact_units.storage import whole_folder

    device = compute.prepare(run.device, run.threads)
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
    changed = compute.effect(network(), sets["labelled"], run.batch) if computed else ""
    made = f"{sum(map(len, sets.values()))} generations, {computed} of {len(parts)} parts computed"
    say(f"{made} on {device}{changed}")


if __name__ == "__main__":
    main()
