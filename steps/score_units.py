"""Score every unit by one ranking into a table."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import input_path, output_path, say, step
from steps.making.parameters import Run
from steps.making.rows import ScoringRun


@step(ScoringRun, run=True)
@input_path("featuremaps", "Folder of collect_featuremaps.")
@input_path("heatmaps", "Table of heatmaps.")
@input_path("labels", "Table of labels.")
@input_path("features", "Folder of extract_reference_features.")
@output_path("out", "Table of scores; its name is the ranking's.")
def main(out: Path, params: ScoringRun, run: Run, **known: Path) -> None:
    """Score every unit by one ranking into a table."""
    from artifact_units import registry
    from artifact_units.computing import devices
    from artifact_units.units.scoring import RankingPlan, score_layers, write_scores
    from artifact_units.units.sources import open_sources

    plan = RankingPlan(
        ranking=params.ranking,
        repeats=params.repeats,
        options=registry.check_options("rankings", params.ranking, params.model_extra or {}),
    )
    device = devices.prepare(run.device, run.threads)
    masks = {"mask_threshold": params.mask_threshold, "iou_px": params.iou_px}
    sources = open_sources(**known, **masks, device=device)
    shared = params.model_dump(include={"quantile", "bootstrap", "seed"})
    columns = score_layers(sources, out.stem, plan, **shared)
    write_scores(out, columns)
    say(f"{len(columns['unit'])} scores by {out.stem} on {device}")


if __name__ == "__main__":
    main()
