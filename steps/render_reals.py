"""Render the real images of the embedded domain."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import output_path, say, step
from steps.making.embedded import RenderReals
from steps.making.parameters import Run

STREAM = 2**32  # of the renderer, plus the seed: beyond those that trained generator and encoder


@step(RenderReals, run=True)
@output_path("out", "Folder of the image set; an id is the renderer's index.")
def main(out: Path, params: RenderReals, run: Run) -> None:
    """Render the real images of the embedded domain."""
    from artifact_units.computing import devices
    from artifact_units.files.storage import whole_folder
    from artifact_units.images.image_sets import write_images
    from demo.domain.churches import render_churches

    devices.prepare("cpu", run.threads)
    ids = range(params.images)
    chunks = (ids[start : start + run.batch] for start in range(0, params.images, run.batch))
    batches = (render_churches(STREAM + params.seed, chunk, params.px) for chunk in chunks)
    with whole_folder(out) as part:
        write_images(part, ids, batches)
    say(f"{params.images} churches at {params.px} px")


if __name__ == "__main__":
    main()
