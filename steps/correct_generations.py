"""Correct held-out generations by edits of the layers' outputs."""

from __future__ import annotations

from pathlib import Path

from steps.command import input_path, output_path, say, step
from steps.parameters import CorrectionRun, Run


@step(CorrectionRun, run=True)
@input_path("generator", "Checkpoint of the generator.")
@input_path("scores", "Table of scores.")
@input_path("heatmaps", "Table of heatmaps: which held-out generations.")
@output_path("out", "Folder: image sets artifacts and normals, edits.json.")
def main(
    generator: Path, scores: Path, heatmaps: Path, out: Path, params: CorrectionRun, run: Run
) -> None:
    """Correct held-out generations by edits of the layers' outputs."""
    import json

    from artifact_units import compute, registry
    from artifact_units.edits import describe
    from artifact_units.generators import load_generator
    from artifact_units.hooks import edited
    from artifact_units.images import write_images
    from artifact_units.scoring import read_ranking
    from artifact_units.selection import heldout_ids
    from artifact_units.storage import whole_folder, write_text

    options = registry.check_options("correctors", params.corrector, params.model_extra or {})
    correct = registry.take("correctors", params.corrector)
    edits = [correct(ranked, **options) for ranked in read_ranking(scores, params.ranking)]
    artifacts, normals = heldout_ids(heatmaps, params.artifacts, params.normals, params.confidence)
    device = compute.prepare(run.device, run.threads)
    network = load_generator(generator).to(device)
    with whole_folder(out) as part:
        for name, ids in (("artifacts", artifacts), ("normals", normals)):
            shard = 0
            for repeat, edit in enumerate(edits):
                with edited(network, edit):
                    images = compute.sample(network, ids, run.batch)
                    shard = write_images(part / name, ids, images, repeat, shard)
        text = json.dumps([describe(edit) for edit in edits], indent=1, sort_keys=True)
        write_text(part / "edits.json", text + "\n")
    say(f"{len(artifacts)} artifacts, {len(normals)} normals, {len(edits)} repeats on {device}")


if __name__ == "__main__":
    main()
