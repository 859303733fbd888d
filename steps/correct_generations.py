"""Correct generations that nothing was learnt from, by edits of the layers' outputs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from artifact_units.files.parts import Shards, gather
from steps.making.command import input_path, output_path, say, step
from steps.making.loading import generator_once
from steps.making.parameters import Run
from steps.making.rows import CorrectionRun
from steps.making.shards import sharded


@step(CorrectionRun, run=True)
@input_path("generator", "Checkpoint of the generator.")
@input_path("classifier", "The classifier; a gate asks it.")
@input_path("scores", "The ranking's table of scores.")
@input_path("featuremaps", "Folder of collect_featuremaps.")
@input_path("labels", "Table of labels; without a truth, which generations.")
@input_path("truth", "Folder of known truth, which says which generations, or any other.")
@input_path("heatmaps", "Table of heatmaps: what the classifier says.")
@input_path("choice", "edits.json of choose_correction.")
@output_path("out", "Folder: image sets artifacts and normals, edits.json.")
@sharded
def main(out: Path, params: CorrectionRun, run: Run, shards: Shards, **known: Path) -> None:
    """Correct generations that nothing was learnt from, by edits of the layers' outputs."""
    from artifact_units.computing import devices
    from artifact_units.corrections.correction import corrected, text_of
    from artifact_units.corrections.sources import classifying, correction_of, open_evidence
    from artifact_units.evaluation.selection import evaluated_ids
    from artifact_units.files.storage import whole_folder, write_text
    from artifact_units.layers import placing
    from artifact_units.layers.sampling import sampled_parts

    wanted = params.artifacts, params.normals
    artifacts, normals = evaluated_ids(known.pop("truth"), known["labels"], *wanted)
    sets = {"artifacts": artifacts, "normals": normals}
    device = devices.prepare(run.device, run.threads)
    network = generator_once(known.pop("generator"), device, run)
    classify = classifying(known.pop("classifier"), device)
    repeats = open_evidence(known.pop("scores"), network, **known)
    plan = params.corrector, params.model_extra or {}
    corrections = [correction_of(*plan, evidence, params.gate) for evidence in repeats]
    samplers = [partial(corrected, correction=c, classify=classify) for c in corrections]
    parts = sampled_parts(network, sets, run.batch, samplers)
    if shards.share:
        computed = shards.compute(parts)
    else:
        with whole_folder(out) as whole:
            computed = gather(parts, whole, shards.folder)
            write_text(whole / "edits.json", text_of(corrections))
    changed = placing.effect(network(), artifacts, run.batch) if computed else ""
    say(f"{len(artifacts)} artifacts, {len(normals)} normals on {device}{changed}")


if __name__ == "__main__":
    main()
