"""Write one self-contained HTML page of the whole run."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import input_path, output_path, params_path, say, step
from steps.making.parameters import Report

STAGES = ("sample_generations", "label_generations", "train_classifier", "compute_masks")
STAGES += ("collect_featuremaps", "score_units", "fit_corrections", "choose_correction")
STAGES += ("correct_generations", "evaluate_generations")


@step(Report)
@input_path("results", "Folder of results, a folder a stage.", parts=STAGES)
@input_path("truth", "Folder of known truth; it may hold none.")
@input_path("analysis", "Table of make analysis; one of another run is left out.")
@input_path("spread", "Table of make spread; one of another run is left out.")
@input_path("survey", "Table of make survey; one of another run is left out.")
@params_path
@output_path("out", "The HTML page.")
@output_path("metrics", "How well each ranking finds the defective units, JSON.")
@output_path("plots", "Folder of its cover and charts as pictures.")
def main(
    results: Path,
    truth: Path,
    analysis: Path,
    spread: Path,
    survey: Path,
    used: Path,
    out: Path,
    metrics: Path,
    plots: Path,
    params: Report,
) -> None:
    """Write one self-contained HTML page of the whole run."""
    from artifact_units.report import page
    from artifact_units.report.data import Results
    from steps.making.checks import read_params

    values = read_params(used).model_dump() | {"report": params.model_dump()}
    known = Results(results, truth, values, analysis, spread, survey)
    size = page.write(known, out, metrics, plots)
    say(f"{out}, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
