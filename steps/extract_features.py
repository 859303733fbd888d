"""Extract features of one correction's images, once."""

from __future__ import annotations

from pathlib import Path

from steps.command import input_path, output_path, say, step
from steps.parameters import ExtractFeatures, Run


@step(ExtractFeatures, run=True)
@input_path("generations", "Folder of image sets: artifacts, normals.")
@output_path("out", "Table of their features, told apart by id.")
def main(generations: Path, out: Path, params: ExtractFeatures, run: Run) -> None:
    """Extract features of one correction's images, once."""
    from artifact_units import compute, registry
    from artifact_units.features import write_features
    from artifact_units.images import open_images

    device = compute.prepare(run.device, run.threads)
    extractor = registry.take("extractors", params.extractor)(Path(params.weights), device)
    sets = [open_images(generations / population) for population in ("artifacts", "normals")]
    images = write_features(out, extractor, sets, run.batch)
    say(f"{images} images as {extractor.dim} features of {extractor.name} on {device}")


if __name__ == "__main__":
    main()
