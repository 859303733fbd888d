"""Extract features of the real, unlabelled and held-out images, once."""

from __future__ import annotations

from pathlib import Path

from steps.command import input_path, output_path, say, step
from steps.parameters import ExtractFeatures, Run


@step(ExtractFeatures, run=True)
@input_path("images", "Image set of the real images.")
@input_path("generations", "Folder with the image set unlabelled.")
@input_path("truth", "Folder of known truth (with image sets clean, reference), or any other.")
@output_path("out", "Folder of tables: reals, unlabelled and, with a truth, clean, reference.")
def main(
    images: Path, generations: Path, truth: Path, out: Path, params: ExtractFeatures, run: Run
) -> None:
    """Extract features of the real, unlabelled and held-out images, once."""
    from artifact_units import compute, registry
    from artifact_units.features import write_features
    from artifact_units.images import check_alike, open_images
    from artifact_units.storage import whole_folder
    from artifact_units.truth import open_truth

    device = compute.prepare(run.device, run.threads)
    extractor = registry.take("extractors", params.extractor)(Path(params.weights), device)
    known = open_truth(truth)
    sets = {"reals": open_images(images), "unlabelled": open_images(generations / "unlabelled")}
    check_alike(sets["reals"], sets["unlabelled"])
    if known is not None:
        sets |= {"clean": known.clean, "reference": known.reference}
    done = 0
    with whole_folder(out) as part:
        for name, found in sets.items():
            first = params.reals if name == "reals" else None
            done += write_features(part / f"{name}.parquet", extractor, [found], run.batch, first)
    say(f"{done} images as {extractor.dim} features of {extractor.name} on {device}")


if __name__ == "__main__":
    main()
