"""Take Grad-CAM heatmaps of the artifact class, at the classifier's own grid."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import input_path, output_path, say, step
from steps.making.parameters import ComputeMasks, Run


@step(ComputeMasks, run=True)
@input_path("classifier", "The classifier.")
@input_path("generations", "Folder of image sets: labelled, heldout.")
@output_path("out", "Table of logits and heatmaps.")
def main(classifier: Path, generations: Path, out: Path, params: ComputeMasks, run: Run) -> None:
    """Take Grad-CAM heatmaps of the artifact class, at the classifier's own grid."""
    from functools import partial

    from artifact_units import registry
    from artifact_units.classifier import heatmaps, masking
    from artifact_units.classifier.network import load_classifier
    from artifact_units.computing import devices
    from artifact_units.images.image_sets import open_images

    device = devices.prepare(run.device, run.threads)
    network = load_classifier(classifier).to(device)
    options = {"stage": params.stage, "target": params.target}
    registry.check_options("maskers", params.masker, options)
    mask = partial(registry.take("maskers", params.masker), network, **options)
    parts = {
        name: masking.heatmaps_of(mask, open_images(generations / name), run.batch, device)
        for name in ("labelled", "heldout")
    }
    heatmaps.write_heatmaps(out, parts)
    rows, cols = parts["labelled"].heatmaps.shape[1:]
    say(f"{sum(map(len, parts.values()))} heatmaps of {rows} x {cols} on {device}")


if __name__ == "__main__":
    main()
