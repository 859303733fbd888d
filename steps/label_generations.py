"""Settle the labels file into one label a generation, and split them."""

from __future__ import annotations

from pathlib import Path

from steps.command import input_path, output_path, say, step
from steps.parameters import LabelGenerations


@step(LabelGenerations)
@input_path("generator", "Checkpoint that the generations are of.")
@input_path("labels", "Labels file: one JSON line a verdict.")
@output_path("out", "Table of labels.")
def main(generator: Path, labels: Path, out: Path, params: LabelGenerations) -> None:
    """Settle the labels file into one label a generation, and split them."""
    from artifact_units.labels import read_verdicts, settle
    from artifact_units.splits import check_checkpoint, check_labels, stratified
    from artifact_units.storage import sha256_of
    from artifact_units.tables import write_table

    verdicts = read_verdicts(labels)
    check_checkpoint(verdicts, sha256_of(generator), labels)
    settled = settle(verdicts)
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


if __name__ == "__main__":
    main()
