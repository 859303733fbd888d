"""Frechet distances of a sweep: one set of reals, many sets of generations, 2,048 features.

``python -m benchmarks.frechet`` measures a set of more images than Inception has features, by what
our intervals use (``artifact_units.evaluation.gaussians``) and by torch-fidelity, whose value is
the one that is published. Both get features. What concerns the reals alone is done once for all.
One row is of a set that is measured but once, one of a resampling, whose set has been prepared for
all of them. A smaller set, as most corrections have, follows: there our matrix is of the side of
the images.
"""

from __future__ import annotations

from functools import partial

import click
import numpy as np
import torch
from torch import Tensor
from torch_fidelity.metric_fid import (
    KEY_METRIC_FID,
    fid_features_to_statistics,
    fid_statistics_to_metric,
)

from artifact_units.evaluation.gaussians import Gaussian, Resampled, distance
from benchmarks.common import compare, start

FEATURES, REALS = 2048, 4096
TOLERANCE = 1e-6

Statistics = dict[str, np.ndarray]


def some(images: int, seed: int) -> Tensor:
    """Features that hang together, as features do: eigenvalues fall over three decades."""
    stream = torch.Generator().manual_seed(seed)
    scales = torch.logspace(0, -1.5, FEATURES)
    mixed = torch.randn(images, FEATURES, generator=stream) * scales
    turn = torch.linalg.qr(torch.randn(FEATURES, FEATURES, generator=stream.manual_seed(1))).Q
    return mixed @ turn + 0.01 * seed


def published(wanted: Statistics, generated: Tensor) -> float:
    found = fid_features_to_statistics(generated)
    return fid_statistics_to_metric(found, wanted, verbose=False)[KEY_METRIC_FID]


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
    wanted, fitted = fid_features_to_statistics(reals), Gaussian.of(reals)
    for images in (2 * FEATURES, 1000):
        click.echo(f"{images} generations")
        generated = some(images, 3)
        once = np.ones(images, dtype=np.int64)

        drawn = Resampled(fitted, generated)
        ways = {
            "a further resampling (ours)": partial(drawn.distance, once),
            "a set measured once (ours)": partial(distance, fitted, generated),
            "torch-fidelity": partial(published, wanted, generated),
        }
        compare(ways, difference, rounds=rounds)
        click.echo("")


if __name__ == "__main__":
    main()
