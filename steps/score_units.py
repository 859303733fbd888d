"""Score every unit by every ranking into one table."""

from __future__ import annotations

from pathlib import Path

from steps.making.command import input_path, output_path, say, step
from steps.making.parameters import Run, ScoreUnits


@step(ScoreUnits, run=True)
@input_path("featuremaps", "Folder of collect_featuremaps.")
@input_path("heatmaps", "Table of heatmaps.")
@input_path("labels", "Table of labels.")
@input_path("features", "Folder of extract_reference_features.")
@output_path("out", "Table of scores.")
def main(
    featuremaps: Path,
    heatmaps: Path,
    labels: Path,
    features: Path,
    out: Path,
    params: ScoreUnits,
    run: Run,
) -> None:
    """Score every unit by every ranking into one table."""
    from artifact_units import registry
    from artifact_units.computing import devices
    from artifact_units.units.scoring import RankingPlan, score_layers, write_scores
    from artifact_units.units.sources import open_sources

    plans = {
        name: RankingPlan(
            ranking=entry.ranking,
            normalise=entry.normalise,
            repeats=entry.repeats,
            options=registry.check_options("rankings", entry.ranking, entry.model_extra or {}),
        )
        for name, entry in params.rankings.items()
    }
    device = devices.prepare(run.device, run.threads)
    sources = open_sources(
        featuremaps,
        heatmaps,
        labels,
        features,
        mask_threshold=params.mask_threshold,
        iou_px=params.iou_px,
        device=device,
    )
    columns = score_layers(
        sources, plans, quantile=params.quantile, bootstrap=params.bootstrap, seed=params.seed
    )
    write_scores(out, columns)
    say(f"{len(columns['unit'])} scores by {', '.join(plans)} on {device}")


if __name__ == "__main__":
    main()
