"""Frechet distances of a sweep: one set of reals, many sets of generations, 2,048 features.

``python -m benchmarks.frechet`` measures a set of as many images as Inception has features, and
more, by what our intervals use (``artifact_units.metrics.frechet``: what concerns the reals is done
once for all) and by torch-fidelity, whose value is the one that is published. Both get features.
A smaller set, as most corrections have, follows: there our matrix is of the side of the images.
"""

from __future__ import annotations

import click
import numpy as np
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics

from artifact_units.metrics import frechet
from benchmarks.common import compare, start

FEATURES, REALS = 2048, 4096
TOLERANCE = 1e-6


def some(images: int, seed: int) -> torch.Tensor:
    """Features that hang together, as features do: eigenvalues fall over three decades."""
    stream = torch.Generator().manual_seed(seed)
    scales = torch.logspace(0, -1.5, FEATURES)
    mixed = torch.randn(images, FEATURES, generator=stream) * scales
    turn = torch.linalg.qr(torch.randn(FEATURES, FEATURES, generator=stream.manual_seed(1))).Q
    return mixed @ turn + 0.01 * seed


def difference(expected: float, found: float) -> str:
    apart = abs(found - expected) / expected
    if apart > TOLERANCE:
        raise click.ClickException(f"the distances differ by {apart:.1e}")
    return f"differs by {apart:.1e}"


@click.command()
@click.option("--rounds", default=2, help="Runs of each way; the median counts.")
def main(rounds: int) -> None:
    """Print what a further Frechet distance costs."""
    start(f"A further Frechet distance of {FEATURES} features to the same {REALS} reals")
    reals = some(REALS, 2)
    wanted = fid_features_to_statistics(reals)
    root = frechet._root(wanted["sigma"])
    for images in (2 * FEATURES, 1000):
        click.echo(f"{images} generations")
        generated = some(images, 3)
        once = np.ones(images, dtype=np.int64)

        def ours(generated: torch.Tensor = generated, once: np.ndarray = once) -> float:
            return frechet._distance(wanted, root, generated.numpy().astype(np.float64), once)

        def published(generated: torch.Tensor = generated) -> float:
            return frechet.fid_statistics_to_metric(
                fid_features_to_statistics(generated), wanted, verbose=False
            )[frechet.KEY_METRIC_FID]

        compare({"ours, of a sweep": ours, "torch-fidelity": published}, difference, rounds=rounds)
        click.echo("")


if __name__ == "__main__":
    main()
