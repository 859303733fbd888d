"""Realism, precision and recall of features by blocks, beside whole matrices of distances.

``python -m benchmarks.neighbours`` measures as many generations as reals, 2,048 features each. The
whole way is the same arithmetic with every distance in memory at once; torch-fidelity's precision
and recall is given blocks of ours, and all rows at once.
"""

from __future__ import annotations

from functools import partial

import click
import torch
from torch import Tensor
from torch_fidelity.metric_prc import prc_features_to_metric

from artifact_units.metrics import precision_recall
from artifact_units.metrics.realism import FLOOR, realism
from benchmarks.common import compare, start

FEATURES, NEIGHBOURS = 2048, 3
TOLERANCE = 1e-9


def by_matrices(real: Tensor, generated: Tensor) -> Tensor:
    real, generated = real.double(), generated.double()
    balls = torch.cdist(real, real).kthvalue(NEIGHBOURS + 1).values
    kept = balls <= balls.quantile(0.5)
    return (balls[kept] / (torch.cdist(generated, real[kept]) + FLOOR)).amax(dim=1)


def whole_precision_recall(real: Tensor, generated: Tensor) -> dict[str, float]:
    found = prc_features_to_metric(
        generated,
        real,
        prc_neighborhood=NEIGHBOURS,
        prc_batch_size=len(real),
        save_cpu_ram=True,
        verbose=False,
    )
    return {name: found[name] for name in ("precision", "recall")}


def gap(expected: Tensor, found: Tensor) -> str:
    apart = float(((expected - found).abs() / expected).max())
    if apart > TOLERANCE:
        raise click.ClickException(f"a realism differs by {apart:.1e}")
    return f"differs by {apart:.0e} at most"


def same(expected: dict[str, float], found: dict[str, float]) -> str:
    if list(expected.values()) != list(found.values()):
        raise click.ClickException(f"{expected} is not {found}")
    return "equal"


@click.command()
@click.option("--images", default=2000, help="Reals, and as many generations.")
@click.option("--rounds", default=2, help="Runs of each way; the median counts.")
def main(images: int, rounds: int) -> None:
    """Print what realism, precision and recall cost by blocks and by whole matrices."""
    start(f"Realism, precision and recall: twice {images} images of {FEATURES} features")
    stream = torch.Generator().manual_seed(0)
    sets = [torch.randn(images, FEATURES, generator=stream) for _ in range(2)]
    ways = {
        "realism, blocks (ours)": partial(realism, *sets, NEIGHBOURS),
        "realism, whole matrices": partial(by_matrices, *sets),
    }
    compare(ways, gap, rounds=rounds)
    click.echo("")
    measures = {
        "precision and recall, blocks": partial(
            precision_recall.measure, *sets, neighbours=NEIGHBOURS
        ),
        "precision and recall, whole": partial(whole_precision_recall, *sets),
    }
    compare(measures, same, rounds=rounds)


if __name__ == "__main__":
    main()
