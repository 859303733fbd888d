"""Write one self-contained HTML page of the whole run."""

from __future__ import annotations

from pathlib import Path

import click

from steps.command import input_path, output_path, say, step
from steps.parameters import Report


@step(Report)
@input_path("results", "Folder of results, a folder a stage.")
@input_path("truth", "Folder of known truth; it may hold none.")
@click.option(
    "--params",
    "used",
    type=click.Path(path_type=Path, exists=True),
    required=True,
    help="The parameters of the run: params.yaml.",
)
@output_path("out", "The HTML page.")
def main(results: Path, truth: Path, used: Path, out: Path, params: Report) -> None:
    """Write one self-contained HTML page of the whole run."""
    from artifact_units.report.data import Results
    from artifact_units.report.page import page
    from artifact_units.storage import write_text
    from steps.checks import read_params

    values = read_params(used).model_dump() | {"report": params.model_dump()}
    text = page(Results(results, truth, values))
    write_text(out, text)
    say(f"{out}, {len(text) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
