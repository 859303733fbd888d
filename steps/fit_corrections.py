"""Fit a correction to labelled generations; an option that lists values is searched."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import input_path, output_path, say, step
from steps.making.loading import generator_once
from steps.making.parameters import Run
from steps.making.rows import FitRun


@step(FitRun, run=True)
@input_path("generator", "Checkpoint of the generator.")
@input_path("classifier", "The classifier.")
@input_path("scores", "The ranking's table of scores.")
@input_path("featuremaps", "Folder of collect_featuremaps.")
@input_path("labels", "Table of labels.")
@input_path("heatmaps", "Table of heatmaps: what the classifier says.")
@output_path("out", "Folder: edits.json, tried.parquet, costs.parquet.")
def main(
    generator: Path, classifier: Path, out: Path, params: FitRun, run: Run, **known: Path
) -> None:
    """Fit a correction to labelled generations; an option that lists values is searched."""
    from artifact_units.computing import devices
    from artifact_units.corrections import search
    from artifact_units.corrections.correction import text_of
    from artifact_units.corrections.judge import Judge, looked_at, write_costs
    from artifact_units.corrections.sources import classifying, open_evidence
    from artifact_units.files.storage import whole_folder, write_text

    device = devices.prepare(run.device, run.threads)
    network = generator_once(generator, device, run)
    ids = looked_at(known["labels"], params.artifacts, params.normals)
    classify = classifying(classifier, device)
    judge = Judge(network(), classify, *ids, batch=run.batch, harm=params.harm)
    plan = search.Plan(params.corrector, params.model_extra or {}, params.gate)
    repeats = open_evidence(known.pop("scores"), network, **known)
    tried = search.searched(judge, plan, repeats[0], params.budget)
    best, judged = search.fitted(tried)
    with whole_folder(out) as part:
        write_text(
            part / "edits.json", text_of([plan.made(best.options, each) for each in repeats])
        )
        search.write_tried(part / "tried.parquet", tried, best)
        write_costs(part / "costs.parquet", judge, judged)
    say(f"{search.words(best)}; {len(tried)} tried on {device}")


if __name__ == "__main__":
    main()
