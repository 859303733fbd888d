"""Choose among the fitted corrections, by the classifier, on labelled generations alone."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import input_path, output_path, say, step
from steps.making.rows import FitCorrections


@step(FitCorrections)
@input_path("fitted", "Folder of fit_corrections: a folder a correction.")
@output_path("out", "Folder: choice.json, edits.json of the one chosen.")
def main(fitted: Path, out: Path, params: FitCorrections) -> None:
    """Choose among the fitted corrections, by the classifier, on labelled generations alone."""
    from artifact_units.corrections import choice
    from artifact_units.corrections.correction import text_of
    from artifact_units.files.storage import whole_folder, write_text

    known = choice.read_fitted(fitted, list(params.corrections), params.harm)
    best = choice.chosen(known)
    with whole_folder(out) as part:
        write_text(part / "choice.json", choice.text_of(best))
        write_text(part / "edits.json", text_of([best.correction]))
    say(f"{best.name}, of {len(known)} corrections")


if __name__ == "__main__":
    main()
