"""Train the scene encoder, the embedded domain's feature extractor, on rendered churches."""

from __future__ import annotations

from pathlib import Path

import click

from artifact_units.computing import portable

STREAM = 20_000  # of the renderer, plus the seed: neither the generator's nor the real images'
HELDOUT = 1_000  # churches beyond those trained on, on which R2 is told


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Weights to write.")
@click.option("--images", type=int, required=True, help="Churches rendered and trained on.")
@click.option("--px", type=int, required=True, help="Their size, the embedded generator's.")
@click.option("--epochs", type=int, required=True, help="Times that each is shown.")
@click.option(
    "--seed", type=click.IntRange(0, 9999), required=True, help="Of churches, weights, order."
)
@click.option("--threads", type=int, required=True, help="CPU threads.")
def main(out: Path, images: int, px: int, epochs: int, seed: int, threads: int) -> None:
    """Train the scene encoder, the embedded domain's feature extractor, on rendered churches."""
    portable.settle()
    import torch

    from artifact_units.extractors.scene import save_encoder
    from demo.domain.encoder import explained, scenes, train

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    encoder = train(*scenes(STREAM + seed, range(images), px), epochs)
    r2 = explained(encoder, *scenes(STREAM + seed, range(images, images + HELDOUT), px))
    save_encoder(out, encoder)
    click.echo(f"R2 of {len(r2)} values: mean {r2.mean():.3f}, lowest {r2.min():.3f}", err=True)


if __name__ == "__main__":
    main()
