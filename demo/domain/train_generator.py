"""Train the embedded domain's PGGAN on the rendered churches, growing from 8 px to 64 px."""

from __future__ import annotations

from pathlib import Path

import click

from artifact_units.computing import portable

STREAM = 10_000  # of the renderer, plus the seed: none that the pipeline's real images use
RESOLUTIONS = (8, 16, 32, 64)
CHUNK = 500  # churches rendered at once


def stages(_context: click.Context, _option: click.Parameter, text: str) -> list[tuple[int, int]]:
    """``8:24,16:40`` -> [(8, 24000), (16, 40000)]: pixels and images shown."""
    pairs = [stage.partition(":") for stage in text.split(",")]
    try:
        schedule = [(int(px), int(float(thousands) * 1000)) for px, _, thousands in pairs]
    except ValueError:
        schedule = []
    if not schedule or not all(px in RESOLUTIONS for px, _ in schedule):
        raise click.BadParameter(f"{text!r}; it takes px:thousands,… with px of {RESOLUTIONS}")
    return schedule


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Checkpoint to write.")
@click.option("--images", type=int, required=True, help="Real images rendered.")
@click.option("--schedule", callback=stages, required=True, help="px:thousands shown, in order.")
@click.option("--batch", type=int, required=True, help="Images a step, a multiple of 4.")
@click.option(
    "--seed",
    type=click.IntRange(0, 9999),
    required=True,
    help="Of real images, weights, order, latents.",
)
@click.option("--threads", type=int, required=True, help="CPU threads.")
def main(
    out: Path, images: int, schedule: list[tuple[int, int]], batch: int, seed: int, threads: int
) -> None:
    """Train the embedded domain's PGGAN on the rendered churches, growing from 8 px to 64 px."""
    portable.settle()
    import torch

    from artifact_units.generators import as_generator, save_generator
    from demo.domain.churches import render_churches
    from demo.domain.critic import GROUPS
    from demo.domain.gan import Trainer
    from demo.domain.growth import PX

    if batch % GROUPS:
        raise click.BadParameter(f"--batch is {batch}; it takes a multiple of {GROUPS}")
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    starts = range(0, images, CHUNK)
    chunks = [range(start, min(start + CHUNK, images)) for start in starts]
    reals = torch.cat([render_churches(STREAM + seed, chunk, PX) for chunk in chunks])
    trainer = Trainer(reals, batch)
    for px, shown in schedule:
        trainer.run(px, shown, tell=lambda line: click.echo(line, err=True))
    save_generator(out, as_generator(trainer.network()))


if __name__ == "__main__":
    main()
