"""Measure every correction, with the same images, latents and reals in every row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from steps.making.command import input_path, output_path, say, step
from steps.making.parameters import EvaluationRun, Run


@step(EvaluationRun, run=True)
@input_path("corrected", "Folder with a folder a correction: image sets artifacts, normals.")
@input_path("features", "Folder with a table of features a correction.")
@input_path("references", "Folder of the tables reals and, with a truth, clean and reference.")
@input_path("heatmaps", "Table of heatmaps.")
@input_path("truth", "Folder of known truth, or any other.")
@click.option("--mask_threshold", type=click.FloatRange(0, 1), required=True, help="Mask above it.")
@output_path("out", "Table of measurements.")
@output_path("differences", "Table of what each two corrections differ by.")
@output_path("changes", "Table of what each correction changed in each generation.")
@output_path("metrics", "The numbers to look at first, JSON.")
@output_path("plots", "Folder of CSV files for bar plots.")
def main(
    mask_threshold: float,
    out: Path,
    differences: Path,
    changes: Path,
    metrics: Path,
    plots: Path,
    params: EvaluationRun,
    run: Run,
    **sources: Any,
) -> None:
    """Measure every correction, with the same images, latents and reals in every row."""
    from artifact_units.computing import devices
    from artifact_units.evaluation import measurements
    from artifact_units.evaluation.measuring import Sources, evaluate, write_tables
    from artifact_units.evaluation.perceptual import load
    from artifact_units.evaluation.rows import Settings
    from artifact_units.files.storage import write_text

    device, weights = devices.prepare("cpu", run.threads), Path(params.weights)
    perceptual = None if weights.is_dir() else load(weights, device)
    settings = Settings(params.model_dump(), params.bootstrap, params.seed, perceptual)
    done = evaluate(Sources(**sources), list(params.corrections), mask_threshold, settings)
    write_tables(done, out, differences, changes)
    write_text(metrics, measurements.headline(done.measurements, done.extractor))
    measurements.write_bars(plots, done.measurements, done.extractor)
    say(f"{len(done.measurements)} measurements of {len(params.corrections)} corrections")


if __name__ == "__main__":
    main()
