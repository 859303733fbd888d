"""The commands of label_generations that a person runs: the page, and labels in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from artifact_units.errors import UserError
from steps.making.command import PATH, say, step
from steps.making.pages import address, opened, rater, serve_page, there

generator = there("generator", "Checkpoint that the generations are of.")
generations = there("generations", "Image set of the generations.")
labels = there("labels", "Labels file.")
kept_labels = click.option(
    "--labels", type=PATH, required=True, help="Labels file; made where there is none."
)
whose = rater("Whose verdicts they are.")


@step()
@generator
@generations
@kept_labels
@there("corrected", "Image set of the same ids after a correction.", required=False)
@there("heatmaps", "compute_masks' table: the most uncertain come first.", required=False)
@click.option(
    "--overlap",
    type=click.FloatRange(0, 1),
    default=0.1,
    show_default=True,
    help="Share of the generations that every rater labels.",
)
@whose
@address(8600)
def serve(
    generator: Path,
    generations: Path,
    labels: Path,
    corrected: Path | None,
    heatmaps: Path | None,
    overlap: float,
    rater: str,
    **where: Any,
) -> None:
    """Label generations in a browser; every verdict is saved at once."""
    from artifact_units.labelling.book import Book, most_uncertain_first
    from artifact_units.labelling.pages import Labelling
    from artifact_units.labels.raters import rater_name
    from artifact_units.serving import Pictures

    pictures, checkpoint = Pictures(generations), _checkpoint(generator, generations)
    order = sorted(pictures.ids)
    if heatmaps is not None:
        order = most_uncertain_first(order, _margins(heatmaps))
    after = Pictures(corrected) if corrected else None
    with opened(labels) as journal:
        book = Book(journal, checkpoint, order, overlap)
        page = Labelling(book, pictures, after, rater_name(rater))
        serve_page(page.app, **where)


@step()
@generator
@generations
@kept_labels
@there("from", "A folder per class, or a file .csv, .json (Label Studio) or .jsonl.")
@click.option("--field", help="Of Label Studio's fields with choices the one to take.")
@whose
def bring(
    generator: Path,
    generations: Path,
    labels: Path,
    field: str | None,
    rater: str,
    **given: Path,
) -> None:
    """Append the verdicts of another program, or of another labels file."""
    from artifact_units.labelling.exchange import new_verdicts
    from artifact_units.labelling.imports import read_said
    from artifact_units.labels.splits import check_checkpoint
    from artifact_units.labels.verdicts import read_verdicts, record_of
    from artifact_units.serving import Pictures

    source, checkpoint = given["from"], _checkpoint(generator, generations)
    found = read_said(source, rater, checkpoint, field)
    said = found.said
    pictures = Pictures(generations)
    if strangers := [one.id for one in said if one.id not in pictures]:
        raise UserError(f"{source}: {generations} holds no generation {strangers[0]}")
    with opened(labels) as journal:
        known = read_verdicts(labels)
        check_checkpoint(known, checkpoint, labels)
        new = new_verdicts(said, known, checkpoint)
        journal.append(*map(record_of, new))
    say(f"{source}: {len(said)} verdicts read, {len(new)} of them new; {found}")


@step()
@labels
@click.option(
    "--to",
    type=click.Choice(["csv", "label_studio", "folder"]),
    required=True,
    help="A row or task a verdict; or the settled labels' images, a folder a class.",
)
@there("generations", "Image set of the generations, for a folder.", required=False)
@click.option("--out", type=PATH, required=True, help="What is written, whole.")
def export(labels: Path, to: str, generations: Path | None, out: Path) -> None:
    """Write the labels for another program."""
    from artifact_units.files.storage import write_text
    from artifact_units.labelling import exchange
    from artifact_units.labels.verdicts import read_verdicts, settle

    verdicts = read_verdicts(labels)
    if to == "folder":
        if generations is None:
            raise UserError("a folder holds images: name their image set with --generations")
        settled = {i: label for i, (label, _) in settle(verdicts).items()}
        exchange.write_folder(out, settled, generations)
        return say(f"{len(settled)} images in {out}")
    said = exchange.said_of(verdicts)
    write = exchange.csv_of if to == "csv" else exchange.label_studio_of
    write_text(out, write(said))
    return say(f"{len(said)} verdicts in {out}")


@step()
@labels
@there("heatmaps", "compute_masks' table.")
@click.option(
    "--mask_threshold",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Heatmap above which a pixel is artifact, as in score_units.",
)
def compare(labels: Path, heatmaps: Path, mask_threshold: float) -> None:
    """Hold the computed masks against those that raters painted."""
    from artifact_units.classifier.heatmaps import read_heatmaps
    from artifact_units.evaluation.painted import masks_by_id, overlap_with
    from artifact_units.labels.verdicts import read_verdicts

    masks = masks_by_id(read_verdicts(labels))
    found = overlap_with(masks, read_heatmaps(heatmaps, "labelled"), mask_threshold)
    if not len(found):
        raise UserError(f"{labels}: no generation of {heatmaps} was marked; mark some in the page")
    low, median, high = (sorted(found)[round(q * (len(found) - 1))] for q in (0.25, 0.5, 0.75))
    click.echo(f"{len(found)} marked generations: mean IoU {found.mean():.3f}")
    click.echo(f"half of them between {low:.3f} and {high:.3f}, median {median:.3f}")


def _checkpoint(generator: Path, generations: Path) -> str:
    """The sha256 that verdicts name; a UserError where the generations are another's."""
    from artifact_units.files.manifests import made_from
    from artifact_units.files.storage import sha256_of

    given, sampled = sha256_of(generator), made_from(generations, "generator")
    if sampled not in (None, given):
        raise UserError(
            f"{generations}: sampled from a file of sha256 {sampled[:12]}, {generator} has "
            f"{given[:12]}; name that one, or sample anew (dvc repro sample_generations)"
        )
    return given


def _margins(heatmaps: Path) -> dict[int, float]:
    """id -> logit of artifact minus logit of normal, of every generation that was classified."""
    from artifact_units.files.tables import read_table

    said = read_table(heatmaps, "heatmaps", ["id", "artifact", "normal"]).to_pydict()
    logits = zip(said["artifact"], said["normal"], strict=True)
    return {i: a - n for i, (a, n) in zip(said["id"], logits, strict=True)}
