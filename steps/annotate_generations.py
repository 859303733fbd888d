"""Label generations as a person would, from the known truth, with a stated rate of errors."""

from __future__ import annotations

import shutil
from pathlib import Path

from steps.making.command import input_path, output_path, say, step
from steps.making.embedded import AnnotateGenerations
from steps.making.parameters import Run


@step(AnnotateGenerations, run=True)
@input_path("generations", "Folder of the broken generator's image sets labelled and heldout.")
@input_path("generator", "Checkpoint of the broken generator; verdicts name its sha256.")
@input_path("planted", "Folder of truth that plant_defects wrote.")
@output_path("labels", "Labels file to write: of the labelled generations alone.")
@output_path("truth", "Folder of truth to write: for the evaluation and the report alone.")
def main(
    generations: Path,
    generator: Path,
    planted: Path,
    labels: Path,
    truth: Path,
    params: AnnotateGenerations,
    run: Run,
) -> None:
    """Label generations as a person would, from the known truth, with a stated rate of errors."""
    from artifact_units.computing import devices
    from artifact_units.files.storage import sha256_of, whole_folder, write_text
    from artifact_units.generators import load_generator
    from artifact_units.images.image_sets import open_images, write_images
    from artifact_units.images.latents import REFERENCE
    from artifact_units.labels.verdicts import lines_of
    from artifact_units.layers import placing
    from demo.domain.annotator import compared, verdicts_of, write_truths

    device = devices.prepare(run.device, run.threads)
    clean = load_generator(planted / "clean.safetensors")
    clean = placing.placed(clean, device, run.precision, run.channels_last)
    limits, errors = (params.mask_difference, params.area), (params.error_rate, params.seed)
    labelled, heldout = (open_images(generations / name) for name in ("labelled", "heldout"))
    reference = range(REFERENCE, REFERENCE + params.reference)
    with whole_folder(truth) as part:
        shutil.copyfile(planted / "units.json", part / "units.json")
        write_images(part / "clean", heldout.ids, placing.sample(clean, heldout.ids, run.batch))
        write_images(part / "reference", reference, placing.sample(clean, reference, run.batch))
        twins = open_images(part / "clean").batches(run.batch)
        write_truths(part / "heldout.parquet", compared(heldout, twins, *limits))
        seen = compared(labelled, placing.sample(clean, labelled.ids, run.batch), *limits)
        write_truths(part / "labelled.parquet", seen)
    verdicts = verdicts_of(seen.ids, seen.artifact, sha256_of(generator), *errors)
    write_text(labels, lines_of(verdicts))
    changed = placing.effect(clean, labelled.ids, run.batch)
    say(f"{seen.artifact.sum()} of {len(verdicts)} labelled generations are artifacts{changed}")


if __name__ == "__main__":
    main()
