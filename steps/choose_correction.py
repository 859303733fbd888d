"""Choose a correction by the classifier, on labelled generations alone."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import input_path, output_path, say, step
from steps.making.loading import generator_once
from steps.making.parameters import Run
from steps.making.rows import ChooseCorrection


@step(ChooseCorrection, run=True)
@input_path("generator", "Checkpoint of the generator.")
@input_path("classifier", "The classifier.")
@input_path("scores", "Folder of score_units: a table a ranking.")
@input_path("featuremaps", "Folder of collect_featuremaps.")
@input_path("labels", "Table of labels.")
@input_path("heatmaps", "Table of heatmaps: what the classifier says.")
@output_path("out", "Folder: tried.parquet, edits.json of the one chosen.")
def main(
    generator: Path, classifier: Path, out: Path, params: ChooseCorrection, run: Run, **known: Path
) -> None:
    """Choose a correction by the classifier, on labelled generations alone."""
    from functools import cache

    from artifact_units.computing import devices
    from artifact_units.corrections import choice
    from artifact_units.corrections.correction import text_of
    from artifact_units.corrections.evidence import CorrectionEvidence
    from artifact_units.corrections.sources import classifying, open_evidence
    from artifact_units.files.storage import whole_folder, write_text

    device = devices.prepare(run.device, run.threads)
    network = generator_once(generator, device, run)
    ids = choice.looked_at(known["labels"], params.artifacts, params.normals)
    classify = classifying(classifier, device)
    judge = choice.Judge(network(), classify, *ids, batch=run.batch, harm=params.harm)
    grid = params.model_dump(exclude={"artifacts", "normals", "harm"})
    scores = known.pop("scores")

    @cache
    def evidence(ranking: str) -> CorrectionEvidence:
        return open_evidence(scores / f"{ranking}.parquet", network, **known)[0]

    tried = choice.choose(judge, grid, evidence)
    best = choice.best_of(tried)
    with whole_folder(out) as part:
        choice.write_choices(part / "tried.parquet", tried)
        write_text(part / "edits.json", text_of([best.correction]))
    say(f"{choice.words(best)}; of {choice.how_many(tried)}, on {device}")


if __name__ == "__main__":
    main()
