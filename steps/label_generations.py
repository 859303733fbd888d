"""Labels: given in a browser, brought from elsewhere, settled for the classifier."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import input_path, output_path, say, step
from steps.making.groups import Group
from steps.making.parameters import LabelGenerations


@step(LabelGenerations)
@input_path("generator", "Checkpoint that the generations are of.")
@input_path("labels", "Labels file: one JSON line a verdict.")
@output_path("out", "Table of labels.")
def settle(generator: Path, labels: Path, out: Path, params: LabelGenerations) -> None:
    """Settle the labels file into one label a generation, and split them."""
    from artifact_units.files.storage import sha256_of
    from artifact_units.files.tables import write_table
    from artifact_units.labels.kinds import about, settled_kinds
    from artifact_units.labels.splits import check_checkpoint, check_labels, stratified
    from artifact_units.labels.verdicts import read_verdicts
    from artifact_units.labels.verdicts import settle as settled_of

    verdicts = read_verdicts(labels)
    check_checkpoint(verdicts, sha256_of(generator), labels)
    settled = settled_of(verdicts)
    every, kinds = {i: label for i, (label, _) in settled.items()}, settled_kinds(verdicts)
    labelled = about(every, kinds, params.kinds, params.other_kinds, labels)
    given = list(labelled.values())
    check_labels(given, params.least, labels)
    shares = {"validation": params.validation, "test": params.test}
    columns = {
        "id": list(labelled),
        "label": given,
        "split": stratified(list(labelled), given, **shares, seed=params.seed),
        "raters": [settled[i][1] for i in labelled],
    }
    write_table(out, "labels", columns)
    say(f"{given.count('artifact')} artifact and {given.count('normal')} normal generations")


main = Group(
    "label_generations",
    "Label generations in a browser, and settle the labels file for the classifier.",
    settle,
    {
        "serve": "steps.making.labelling:serve",
        "import": "steps.making.labelling:bring",
        "export": "steps.making.labelling:export",
        "compare": "steps.making.labelling:compare",
    },
)

if __name__ == "__main__":
    main()
