"""Sample generations, a latent seed an id, as lossless image shards."""

from __future__ import annotations

from pathlib import Path

from steps.command import input_path, output_path, say, step
from steps.parameters import Run, SampleGenerations


@step(SampleGenerations, run=True)
@input_path("generator", "Checkpoint of the generator.")
@output_path("out", "Folder of image sets: labelled, unlabelled, heldout.")
def main(generator: Path, out: Path, params: SampleGenerations, run: Run) -> None:
    """Sample generations, a latent seed an id, as lossless image shards."""
    from artifact_units import compute, latents
    from artifact_units.generators import load_generator
    from artifact_units.images import write_images
    from artifact_units.storage import whole_folder

    device = compute.prepare(run.device, run.threads)
    network = load_generator(generator).to(device)
    sets = {
        "labelled": range(latents.LABELLED, latents.LABELLED + params.labelled),
        "unlabelled": range(latents.UNLABELLED, latents.UNLABELLED + params.unlabelled),
        "heldout": range(latents.HELDOUT, latents.HELDOUT + params.heldout),
    }
    with whole_folder(out) as part:
        for name, ids in sets.items():
            write_images(part / name, ids, compute.sample(network, ids, run.batch))
    say(f"{sum(map(len, sets.values()))} generations on {device}")


if __name__ == "__main__":
    main()
