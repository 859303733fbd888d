"""Extract features of the real, unlabelled and held-out images, once."""

from __future__ import annotations

from pathlib import Path

from artifact_units.files.parts import Shards
from steps.making.command import input_path, output_path, say, step
from steps.making.parameters import ExtractFeatures, Run
from steps.making.shards import sharded


@step(ExtractFeatures, run=True)
@input_path("images", "Image set of the real images.")
@input_path("generations", "Folder with the image set unlabelled.")
@input_path("truth", "Folder of known truth (with image sets clean, reference), or any other.")
@output_path("out", "Folder of tables: reals, unlabelled and, with a truth, clean, reference.")
@sharded
def main(out: Path, params: ExtractFeatures, run: Run, shards: Shards, **known: Path) -> None:
    """Extract features of the real, unlabelled and held-out images, once."""
    from artifact_units import registry
    from artifact_units.computing import devices
    from artifact_units.evaluation.truth import open_truth
    from artifact_units.files.storage import whole_folder
    from artifact_units.images.extraction import feature_parts, write_features
    from artifact_units.images.image_sets import check_alike, open_images

    device = devices.prepare(run.device, run.threads)
    extractor = registry.take("extractors", params.extractor)(Path(params.weights), device)
    truth = open_truth(known["truth"])
    generations = open_images(known["generations"] / "unlabelled")
    sets = {"reals": open_images(known["images"]), "unlabelled": generations}
    check_alike(sets["reals"], sets["unlabelled"])
    if truth is not None:
        sets |= {"clean": truth.clean, "reference": truth.reference}
    first = {"reals": params.reals}
    if shards.share:
        parts = [
            part
            for name, found in sets.items()
            for part in feature_parts(name, extractor, [found], run.batch, first.get(name))
        ]
        shards.compute(parts)
    else:
        with whole_folder(out) as whole:
            for name, found in sets.items():
                table = whole / f"{name}.parquet"
                write_features(table, extractor, [found], run.batch, first.get(name), shards.folder)
    say(f"{len(sets)} sets as {extractor.dim} features of {extractor.name} on {device}")


if __name__ == "__main__":
    main()
