"""Train the artifact / normal / real classifier."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import input_path, output_path, say, step
from steps.making.parameters import Run, TrainClassifier


@step(TrainClassifier, run=True)
@input_path("generations", "Image set of the labelled generations.")
@input_path("labels", "Table of labels.")
@input_path("images", "Image set of the real images.")
@output_path("out", "The classifier.")
@output_path("metrics", "Accuracy, recalls and AUC on the test split.")
@output_path("plots", "Folder of the confusion matrix and the training curve.")
def main(
    generations: Path,
    labels: Path,
    images: Path,
    out: Path,
    metrics: Path,
    plots: Path,
    params: TrainClassifier,
    run: Run,
) -> None:
    """Train the artifact / normal / real classifier."""
    import json

    from artifact_units.classifier import examples, training
    from artifact_units.classifier import network as networks
    from artifact_units.computing import devices
    from artifact_units.files.storage import whole_folder, write_text
    from artifact_units.files.tables import read_table
    from artifact_units.images.image_sets import open_images

    device = devices.prepare(run.device, run.threads)
    classifier = networks.new_classifier(params.network, params.px, params.seed)
    if params.frozen or not Path(params.weights).is_dir():
        networks.load_imagenet(classifier, params.weights)
    sets = open_images(generations), open_images(images)
    table = read_table(labels, "labels")
    taken = examples.examples_of(table, *sets, params.reals, params.px, out.parent)
    asked = params.model_dump(include={"frozen", "epochs", "minibatch", "rate", "seed"})
    curve = training.fit(classifier.to(device), taken, **asked)
    rows = taken.rows("test")
    logits, classes = training.predict(classifier, taken, rows, run.batch), taken.classes[rows]
    found = training.metrics_of(logits, classes)
    with whole_folder(plots) as part:
        write_text(part / "confusion.csv", training.confusion_of(logits, classes))
        write_text(part / "training.csv", training.curve_of(curve))
    write_text(metrics, json.dumps(found, indent=2, sort_keys=True) + "\n")
    networks.save_classifier(out, classifier)
    say(f"accuracy {found['accuracy']:.3f} on {len(rows)} test images, on {device}")


if __name__ == "__main__":
    main()
