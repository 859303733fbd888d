"""Take heatmaps of the artifact: Grad-CAM at the classifier's own grid, or another masker's."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import input_path, output_path, say, step
from steps.making.parameters import ComputeMasks, Run


@step(ComputeMasks, run=True)
@input_path("classifier", "The classifier.")
@input_path("generations", "Folder of image sets: labelled, heldout.")
@output_path("out", "Table of logits and heatmaps.")
def main(classifier: Path, generations: Path, out: Path, params: ComputeMasks, run: Run) -> None:
    """Take heatmaps of the artifact: Grad-CAM at the classifier's own grid, or another masker's."""
    from functools import partial

    import numpy as np

    from artifact_units import registry
    from artifact_units.classifier import heatmaps, masking
    from artifact_units.classifier.network import load_classifier
    from artifact_units.computing import devices
    from artifact_units.images.image_sets import open_images

    device = devices.prepare(run.device, run.threads)
    network = load_classifier(classifier).to(device)
    options = registry.check_options("maskers", params.masker, params.model_extra or {})
    mask = partial(registry.take("maskers", params.masker), **options)
    sets = {name: open_images(generations / name) for name in ("labelled", "heldout")}
    asked = np.concatenate([images.ids for images in sets.values()])
    given = {"asked": asked, "folder": Path(params.heatmaps)}
    parts = {
        name: masking.heatmaps_of(mask, network, images, run.batch, **given)
        for name, images in sets.items()
    }
    heatmaps.write_heatmaps(out, parts)
    rows, cols = parts["labelled"].heatmaps.shape[1:]
    say(f"{sum(map(len, parts.values()))} heatmaps of {rows} x {cols} on {device}")


if __name__ == "__main__":
    main()
