"""Extract features of one correction's images, once."""

from __future__ import annotations

from pathlib import Path

from artifact_units.files.parts import Shards
from steps.making.command import input_path, output_path, say, step
from steps.making.parameters import ExtractFeatures, Run
from steps.making.shards import sharded


@step(ExtractFeatures, run=True)
@input_path("generations", "Folder of image sets: artifacts, normals.")
@output_path("out", "Table of their features, told apart by id.")
@sharded
def main(
    generations: Path,
    out: Path,
    params: ExtractFeatures,
    run: Run,
    shards: Shards,
) -> None:
    """Extract features of one correction's images, once."""
    from artifact_units import registry
    from artifact_units.computing import devices
    from artifact_units.images.extraction import feature_parts, write_features
    from artifact_units.images.image_sets import open_images

    device = devices.prepare(run.device, run.threads)
    extractor = registry.take("extractors", params.extractor)(Path(params.weights), device)
    sets = [open_images(generations / population) for population in ("artifacts", "normals")]
    if shards.share:
        shards.compute(feature_parts(out.stem, extractor, sets, run.batch))
    else:
        write_features(out, extractor, sets, run.batch, done=shards.folder)
    say(f"{sum(map(len, sets))} images as {extractor.dim} features of {extractor.name} on {device}")


if __name__ == "__main__":
    main()
