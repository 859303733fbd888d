"""Correct generations that nothing was learnt from, by edits of the layers' outputs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from artifact_units.files.parts import Shards, gather
from steps.making.command import input_path, output_path, say, step
from steps.making.loading import generator_once
from steps.making.parameters import Run
from steps.making.rows import CorrectGenerations
from steps.making.shards import sharded


@step(CorrectGenerations, run=True)
@input_path("generator", "Checkpoint of the generator.")
@input_path("classifier", "The classifier; a gate asks it.")
@input_path("edits", "edits.json of fit_corrections.")
@input_path("labels", "Table of labels; without a truth, which generations.")
@input_path("truth", "Folder of known truth, which says which generations, or any other.")
@output_path("out", "Folder: image sets artifacts and normals.")
@sharded
def main(
    edits: Path, out: Path, params: CorrectGenerations, run: Run, shards: Shards, **known: Path
) -> None:
    """Correct generations that nothing was learnt from, by edits of the layers' outputs."""
    from artifact_units.computing import devices
    from artifact_units.corrections.correction import corrected, read_repeats
    from artifact_units.corrections.sources import classifying
    from artifact_units.evaluation.selection import evaluated_ids
    from artifact_units.files.storage import whole_folder
    from artifact_units.layers import placing
    from artifact_units.layers.sampling import sampled_parts

    wanted = params.artifacts, params.normals
    artifacts, normals = evaluated_ids(known["truth"], known["labels"], *wanted)
    sets = {"artifacts": artifacts, "normals": normals}
    device = devices.prepare(run.device, run.threads)
    network = generator_once(known["generator"], device, run)
    classify = classifying(known["classifier"], device)
    corrections = read_repeats(edits)
    samplers = [partial(corrected, correction=c, classify=classify) for c in corrections]
    parts = sampled_parts(network, sets, run.batch, samplers)
    if shards.share:
        computed = shards.compute(parts)
    else:
        with whole_folder(out) as whole:
            computed = gather(parts, whole, shards.folder)
    changed = placing.effect(network(), artifacts, run.batch) if computed else ""
    say(f"{len(artifacts)} artifacts, {len(normals)} normals on {device}{changed}")


if __name__ == "__main__":
    main()
