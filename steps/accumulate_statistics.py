"""Write a BigGAN or U-Net GAN checkpoint with standing statistics in its batch norms."""

from __future__ import annotations

from pathlib import Path

import click

from steps.making.command import input_path, output_path, say, step


@step()
@input_path("generator", "Checkpoint of the generator.")
@output_path("out", "Checkpoint to write, of the same layout.")
@click.option(
    "--batches", type=click.IntRange(1), default=100, show_default=True, help="Batches averaged."
)
@click.option(
    "--batch", type=click.IntRange(2), default=20, show_default=True, help="Generations in each."
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Of their latents.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="auto: a GPU if there is one.",
)
@click.option("--option", multiple=True, help="weights=PLACE, where the file holds several.")
def main(
    generator: Path,
    out: Path,
    batches: int,
    batch: int,
    seed: int,
    device: str,
    option: tuple[str, ...],
) -> None:
    """Write a BigGAN or U-Net GAN checkpoint with standing statistics in its batch norms."""
    from artifact_units.computing import devices
    from artifact_units.generators import recognise
    from artifact_units.generators.foreign import options_of
    from artifact_units.generators.standing import accumulate
    from artifact_units.registry import checked_options

    given = checked_options(recognise, "accumulate_statistics", options_of(option))
    place = devices.prepare(device, 1)
    accumulate(generator, out, batches=batches, batch=batch, seed=seed, device=place, **given)
    say(f"{out}: statistics of {batches} batches of {batch}, latents of seed {seed}, on {place}")


if __name__ == "__main__":
    main()
