"""The command of judge_corrections that a person runs: the page."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from steps.command import PATH, say, step
from steps.pages import address, there

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
@click.option("--rater", default="", help="Who judges; else your user name.")
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
    host: str,
    port: int,
    name: tuple[str, ...],
) -> None:
    """Judge before against after a correction in a browser; every pair is saved at once."""
    from artifact_units import serving
    from artifact_units.judging.book import Book
    from artifact_units.judging.pages import Judging
    from artifact_units.judging.study import Study, choose_pairs
    from artifact_units.raters import rater_name

    access = serving.Access.at(host, name)
    study = Study(before, after, control)
    wanted = {"artifacts": artifacts, "normals": normals, "identical": controls}
    wanted |= {"control": controls} if control else {}
    journal = serving.Journal(judgements)
    if journal.notice:
        say(journal.notice)
    book = Book(journal, study, choose_pairs(study.ids, wanted, seed), seed)
    page = Judging(book, rater_name(rater or getpass.getuser()))
    serving.serve(page.app(access), access, host, port, say)
