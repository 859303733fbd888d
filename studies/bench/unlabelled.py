"""How many unlabelled generations the per-unit FID needs: ``python -m studies.bench.unlabelled``.

Of plantings as the default run's: average precision, and what zeroing the top units of layer 4
makes of held-out artifacts, over the number of generations and over the share that is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import click
import numpy as np
import torch

from artifact_units.computing import devices
from artifact_units.evaluation.truth import average_precision
from artifact_units.images.latents import UNLABELLED, latents_of
from artifact_units.layers.hooks import edited, featuremaps_of
from artifact_units.rankings import unit_fid
from artifact_units.shapes import Features
from artifact_units.units.evidence import Evidence
from studies.bench.oracle import ablation
from studies.bench.settings import BATCH, Settings
from studies.bench.stand import Stand, sampled, stand_of

KIND, LAYER, ABLATED = "deep", "layer4", 2  # as many as are planted there
COUNTS = (150, 300, 600, 1200, 2400, 4800)
SHARES = (0.05, 0.1, 0.2)


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=3, help="Plantings.")
@click.option("--most", type=click.IntRange(COUNTS[0]), default=COUNTS[-1], help="Generations.")
def main(seeds: int, most: int) -> None:
    """Print mean AP and Frechet distance over numbers of generations and shares of them."""
    devices.prepare("cpu", 1)
    counts = [count for count in COUNTS if count <= most]
    stands = (stand_of(KIND, seed, Settings()) for seed in range(seeds))
    found = np.array([curve(stand, counts, SHARES) for stand in stands]).mean(0)
    head = ["generations", *(f"top {share:g}: AP, FD" for share in SHARES)]
    lines = [
        [str(n), *(f"{p:.2f}, {d:.1f}" for p, d in row)]
        for n, row in zip(counts, found, strict=True)
    ]
    for line in (head, ["---"] * len(head), *lines):
        click.echo("| " + " | ".join(line) + " |")


def curve(stand: Stand, counts: Sequence[int], shares: Sequence[float]) -> np.ndarray:
    """``[count, share, (mean average precision, Frechet distance of corrected artifacts)]``."""
    units, ids = stand.planted.units, np.arange(UNLABELLED, UNLABELLED + max(counts))
    maxima = _maxima(stand, ids)
    features = stand.features_of(sampled(stand.broken, ids))

    def pair(count: int, share: float) -> tuple[float, float]:
        scores = {
            layer: _scores(maxima[layer][:count], features[:count], stand.real_features, share)
            for layer in units
        }
        precision = [
            average_precision(own, np.isin(np.arange(len(own)), units[layer]))
            for layer, own in scores.items()
        ]
        worst = np.argsort(-scores[LAYER], kind="stable")[:ABLATED].tolist()
        artifacts = stand.heldout["artifacts"].ids
        with edited(stand.broken, ablation({LAYER: worst})):
            distance = stand.frechet(sampled(stand.broken, artifacts))
        return float(np.mean(precision)), distance

    return np.array([[pair(count, share) for share in shares] for count in counts])


def _maxima(stand: Stand, ids: np.ndarray) -> dict[str, torch.Tensor]:
    """Spatial maxima ``[image, unit]`` of the layers that have true units."""
    layers = list(stand.planted.units)
    parts = [
        {name: maps.half().amax((2, 3)).float() for name, maps in found.items()}
        for part in latents_of(ids, stand.broken.latent_dim).split(BATCH)
        for found in [featuremaps_of(stand.broken, part, layers)]
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in layers}


def _scores(maxima: torch.Tensor, features: Features, reals: Features, share: float) -> np.ndarray:
    nothing = torch.zeros(0, maxima.shape[1], 1, 1)
    evidence = Evidence(
        layer="",
        ids=np.zeros(0, np.int64),
        artifact=np.zeros(0, bool),
        featuremaps=nothing.half(),
        masks=torch.zeros(0, 1, 1, dtype=torch.bool),
        thresholds=torch.zeros(maxima.shape[1]),
        maxima=maxima,
        unlabelled=features,
        reals=reals,
        seed=0,
        repeat=0,
    )
    return np.asarray(unit_fid.score(evidence, top=share).score)


if __name__ == "__main__":
    main()
