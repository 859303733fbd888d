"""Labels: given in a browser, brought from elsewhere, settled for the classifier."""

from __future__ import annotations

from pathlib import Path

from steps.command import input_path, output_path, say, step
from steps.groups import Group
from steps.parameters import LabelGenerations


@step(LabelGenerations)
@input_path("generator", "Checkpoint that the generations are of.")
@input_path("labels", "Labels file: one JSON line a verdict.")
@output_path("out", "Table of labels.")
def settle(generator: Path, labels: Path, out: Path, params: LabelGenerations) -> None:
    """Settle the labels file into one label a generation, and split them."""
    from artifact_units.labels import read_verdicts
    from artifact_units.labels import settle as settled_of
    from artifact_units.splits import check_checkpoint, check_labels, stratified
    from artifact_units.storage import sha256_of
    from artifact_units.tables import write_table

    verdicts = read_verdicts(labels)
    check_checkpoint(verdicts, sha256_of(generator), labels)
    settled = settled_of(verdicts)
    given = [label for label, _ in settled.values()]
    check_labels(given, params.least, labels)
    shares = {"validation": params.validation, "test": params.test}
    columns = {
        "id": list(settled),
        "label": given,
        "split": stratified(list(settled), given, **shares, seed=params.seed),
        "raters": [raters for _, raters in settled.values()],
    }
    write_table(out, "labels", columns)
    say(f"{given.count('artifact')} artifact and {given.count('normal')} normal generations")


main = Group(
    "label_generations",
    "Label generations in a browser, and settle the labels file for the classifier.",
    settle,
    {
        "serve": "steps.labelling:serve",
        "import": "steps.labelling:bring",
        "export": "steps.labelling:export",
        "compare": "steps.labelling:compare",
    },
)

if __name__ == "__main__":
    main()
