"""The command of judge_corrections that a person runs: the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from steps.making.command import PATH, step
from steps.making.pages import address, opened, rater, serve_page, there

COUNT = click.IntRange(min=0)


@step()
@there("before", "Folder of the correction none: image sets artifacts, normals.")
@there("after", "Folder of the correction to judge.")
@there("control", "Folder of a correction of random units, mixed in as a control.", required=False)
@click.option(
    "--judgements", type=PATH, required=True, help="Judgements file; made where there is none."
)
@click.option("--artifacts", type=COUNT, default=200, show_default=True, help="Artifact pairs.")
@click.option("--normals", type=COUNT, default=100, show_default=True, help="Normal pairs.")
@click.option(
    "--controls", type=COUNT, default=20, show_default=True, help="Pairs of each control."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of pairs, order and sides.")
@rater("Who judges.")
@address(8700)
def serve(
    before: Path,
    after: Path,
    control: Path | None,
    judgements: Path,
    artifacts: int,
    normals: int,
    controls: int,
    seed: int,
    rater: str,
    **where: Any,
) -> None:
    """Judge before against after a correction in a browser; every pair is saved at once."""
    from artifact_units.judging.book import Book
    from artifact_units.judging.pages import Judging
    from artifact_units.judging.study import Study, choose_pairs
    from artifact_units.labels.raters import rater_name

    study = Study(before, after, control)
    wanted = {"artifacts": artifacts, "normals": normals, "identical": controls}
    wanted |= {"control": controls} if control else {}
    with opened(judgements) as journal:
        book = Book(journal, study, choose_pairs(study.ids, wanted, seed), seed)
        serve_page(Judging(book, rater_name(rater)).app, **where)
