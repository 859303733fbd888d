"""Write the corrected checkpoint, in its own layout where that is exact."""

from __future__ import annotations

from pathlib import Path

import click

from steps.making.command import input_path, output_path, say, step


@step()
@input_path("generator", "Checkpoint of the generator.")
@input_path("corrections", "edits.json of a correction.")
@output_path("out", "Checkpoint to write; without a suffix it gets that of its kind.")
@click.option(
    "--repeat",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Which repeat of the corrections.",
)
@click.option(
    "--approximate", is_flag=True, help="Fold also where that is not exact; says by how much."
)
@click.option("--option", multiple=True, help="key=value that the file does not say; repeatable.")
def main(
    generator: Path,
    corrections: Path,
    out: Path,
    repeat: int,
    approximate: bool,
    option: tuple[str, ...],
) -> None:
    """Write the corrected checkpoint, in its own layout where that is exact."""
    from artifact_units.computing import devices
    from artifact_units.corrections.export import CHECKED, export, read_edits
    from artifact_units.files.manifests import made_from
    from artifact_units.files.storage import sha256_of
    from artifact_units.generators.foreign import options_of

    devices.prepare("cpu", 1)
    edits = read_edits(corrections, repeat)
    done = export(generator, edits, out, approximate, **options_of(option))
    rest = f"; {done.rest}" if done.rest else ""
    say(
        f"{done.path}: layout {done.layout}, {done.why}; to the edited run the largest difference "
        f"is {done.largest:.3g} and the mean {done.mean:.3g}, over {CHECKED} generations{rest}"
    )
    given, corrected = sha256_of(generator), made_from(corrections, "generator")
    if corrected not in (None, given):
        say(
            f"note that {corrections} was made of a file of sha256 {corrected[:12]}, "
            f"and {generator} has {given[:12]}"
        )


if __name__ == "__main__":
    main()
