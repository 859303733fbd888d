"""Damage that nobody aims: ``python -m studies.bench.damage``.

The shipped generator with coarser weights (quantised, rounded at random by a seed) or fewer
(pruned by magnitude); its float self is the clean twin. Nobody chose the units or made them fit a
method: a unit is true where giving its own weights back, and nothing else, brings images nearer to
their clean twins. The third of the generations that differs most is what a person would label.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import click
import numpy as np
import torch
from torch import Tensor

from artifact_units.computing import devices
from artifact_units.evaluation.truth import average_precision
from artifact_units.images.image_sets import byte_from_signed
from artifact_units.images.latents import PLANTING, latents_of
from artifact_units.layers.generator import Generator
from demo.domain.differences import areas, difference, truth_masks
from demo.domain.planting import Planted
from studies.bench.cell import corrections
from studies.bench.learned import Learned
from studies.bench.methods import LABELS_ONLY
from studies.bench.results import USUAL
from studies.bench.settings import BATCH, LAYERS, Settings
from studies.bench.stand import Stand, sampled, shipped

BITS, SHARES = (4, 5, 6), (0.1, 0.2)
SEEN = np.arange(PLANTING, PLANTING + 100)  # what labels and true units are told on
COVERED, LABELLED = 0.97, 2 / 3  # quantiles: of pixels outside masks, of images without artifact
SCREENED = 6  # units of a layer whose restoration is tried, the most promising first
HELPS = 0.02  # of the error that a true unit's restoration takes away, at least
METHODS = ("none", "one_layer", "one_layer_searched", "sequential", "sequential_max")
METHODS += ("sequential_searched", "clip", "clip_searched", "chosen")


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=3, help="Roundings, and sets of labels.")
def main(seeds: int) -> None:
    """Print which rankings find the units that need repair, and what corrections make of it."""
    devices.prepare("cpu", 1)
    head = ["damage", "seed", "true units", "best ranking: AP", *METHODS, "what was chosen"]
    for line in (head, ["---"] * len(head)):
        click.echo("| " + " | ".join(line) + " |")
    for name, broken, seed in damages(seeds):
        click.echo("| " + " | ".join([name, str(seed), *row(broken, seed)]) + " |")


def damages(seeds: int) -> Iterator[tuple[str, Generator, int]]:
    """Name, damaged generator and seed; pruning draws nothing, so its seeds are of labels alone."""
    for seed in range(seeds):
        yield from ((f"{bits} bits", quantised(shipped(), bits, seed), seed) for bits in BITS)
        yield from ((f"{share:.0%} pruned", pruned(shipped(), share), seed) for share in SHARES)


def quantised(generator: Generator, bits: int, seed: int) -> Generator:
    """Filters in ``bits`` bits, a step a filter, rounded up or down by chance: right on average."""
    stream = torch.Generator().manual_seed(seed)

    def coarse(weight: Tensor) -> Tensor:
        step = weight.abs().amax((1, 2, 3), keepdim=True) / (2 ** (bits - 1) - 1)
        return torch.floor(weight / step + torch.rand(weight.shape, generator=stream)) * step

    return _changed(generator, coarse)


def pruned(generator: Generator, share: float) -> Generator:
    """The smallest ``share`` of each layer's weights at 0."""

    def sparse(weight: Tensor) -> Tensor:
        least = weight.abs().flatten().kthvalue(max(1, int(share * weight.numel()))).values
        return weight * (weight.abs() > least)

    return _changed(generator, sparse)


def row(broken: Generator, seed: int) -> list[str]:
    """True units, best ranking by labels, pixel recovery of METHODS, what the choice chose."""
    stand = damaged(broken, Settings(methods=METHODS))
    learned, units = Learned(stand, seed, USUAL), stand.planted.units
    precision = {
        name: float(np.mean([_precision(learned, name, *own) for own in units.items()]))
        for name in (LABELS_ONLY if units else ())
    }
    best = max(precision, key=precision.__getitem__) if precision else ""
    found = {f.method: f for f in corrections(learned) if f.metric == "pixel_recovery"}
    said = f"{best}: {precision[best]:.2f}" if best else "–"
    values = [f"{found[name].value:.2f}" for name in METHODS]
    return [
        str(sum(map(len, units.values()))),
        said,
        *values,
        found["chosen"].note.split(": artifact")[0],
    ]


def damaged(broken: Generator, settings: Settings) -> Stand:
    """A stand of the damage: the third of the generations that differs most is artifacts."""
    clean = shipped()
    images, twins = (sampled(generator, SEEN) for generator in (broken, clean))
    apart = difference(images, twins)
    threshold = float(np.quantile(apart.numpy(), COVERED))
    area = float(areas(truth_masks(images, twins, threshold)).quantile(LABELLED))
    found = Planted(broken, clean, helpful(broken, clean, SEEN[:40]))
    return Stand(found, settings, threshold, area)


def helpful(broken: Generator, clean: Generator, ids: np.ndarray) -> dict[str, list[int]]:
    """Units of each layer whose own weights, given back alone, take HELPS of the error away.

    The gradient of the error says which to try; what each gives is then measured.
    """
    twins = sampled(clean, ids)
    latents = latents_of(ids, broken.latent_dim)
    promised = _promised(broken, clean, latents)
    error = _error(broken, latents, twins)
    found: dict[str, list[int]] = {}
    for layer in broken.layers[:LAYERS]:
        order = np.argsort(-promised[layer.name], kind="stable")[:SCREENED]
        gains = {
            int(u): error - _error(_restored(broken, clean, layer.name, int(u)), latents, twins)
            for u in order
        }
        if own := sorted(u for u, gain in gains.items() if gain > HELPS * error):
            found[layer.name] = own
    return found


def _promised(broken: Generator, clean: Generator, latents: Tensor) -> dict[str, np.ndarray]:
    """What restoring each unit would take off the squared error, to the first order."""
    network = copy.deepcopy(broken.network).requires_grad_(True)
    with torch.no_grad():
        target = clean.network(latents)
    error = (network(latents) - target).square().mean()
    own, whole = dict(network.named_parameters()), dict(clean.network.named_parameters())
    found = {}
    for layer in broken.layers[:LAYERS]:
        weight = own[f"{layer.name}.weight"]
        step = whole[f"{layer.name}.weight"] - weight
        (slope,) = torch.autograd.grad(error, weight, retain_graph=True)
        found[layer.name] = -(slope * step).sum((1, 2, 3)).detach().numpy()
    return found


def _restored(broken: Generator, clean: Generator, layer: str, unit: int) -> Generator:
    other = copy.deepcopy(broken)
    with torch.no_grad():
        mine, whole = (g.network.get_parameter(f"{layer}.weight") for g in (other, clean))
        mine[unit] = whole[unit]
    return other


@torch.inference_mode()
def _error(generator: Generator, latents: Tensor, twins: Tensor) -> float:
    images = torch.cat([byte_from_signed(generator(part)) for part in latents.split(BATCH)])
    return float(difference(images, twins).mean())


def _changed(generator: Generator, change: Callable[[Tensor], Tensor]) -> Generator:
    """With other filters in every layer that is scored."""
    other = copy.deepcopy(generator)
    with torch.no_grad():
        for layer in other.layers[:LAYERS]:
            weight = other.network.get_parameter(f"{layer.name}.weight")
            weight.copy_(change(weight))
    return other


def _precision(learned: Learned, ranking: str, layer: str, units: list[int]) -> float:
    scores = learned.scores(ranking, 0)[layer]
    return average_precision(scores, np.isin(np.arange(len(scores)), units))


if __name__ == "__main__":
    main()
