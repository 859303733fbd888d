"""Survey whether any units make the artifacts, on one half and then on the other."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import input_path, output_path, params_path, say, step
from steps.making.loading import generator_once
from steps.making.surveys import SurveyUnits

STAGES = ("sample_generations", "read_reals", "label_generations/labels.parquet")
STAGES += ("collect_featuremaps", "score_units")


@step(SurveyUnits)
@params_path
@input_path("generator", "Checkpoint of the generator.")
@input_path("results", "Folder of results, a folder a stage.", parts=STAGES)
@output_path("out", "Table of effects.")
def main(used: Path, generator: Path, results: Path, out: Path, params: SurveyUnits) -> None:
    """Survey whether any units make the artifacts, on one half and then on the other."""
    from artifact_units.computing import devices
    from artifact_units.survey.finding import findings, sentence, write_survey
    from artifact_units.survey.surveying import Known, survey
    from steps.making.checks import read_params

    values = read_params(used)
    device = devices.prepare(values.run.device, values.run.threads)
    network = generator_once(generator, device, values.run)()
    known = Known(results, network, values.model_dump(), out.parent, device)
    found = survey(known, params.model_dump(), say)
    write_survey(out, found)
    for finding in findings(found):
        say(sentence(found, finding))


if __name__ == "__main__":
    main()
