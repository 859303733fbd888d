"""Computing and writing featuremaps in half precision, and what they take on the disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from artifact_units.computing.batches import batched
from artifact_units.computing.transfers import fetched, sent
from artifact_units.errors import UserError
from artifact_units.files.parts import Part
from artifact_units.files.storage import whole_file
from artifact_units.images.latents import latents_of
from artifact_units.layers.generator import Generator, Layer
from artifact_units.layers.hooks import featuremaps_of
from artifact_units.layers.placing import SMALLER
from artifact_units.shapes import Featuremaps

SHARD = 200  # generations a shard


def in_network_order(generator: Generator, names: Sequence[str]) -> list[Layer]:
    """The layers of these names, each once, from the latent to the image."""
    asked = {generator.layer(name).name for name in names}
    return [layer for layer in generator.layers if layer.name in asked]


def bytes_needed(layers: Sequence[Layer], images: int) -> int:
    """Bytes that the featuremaps of so many generations take, two a value."""
    return 2 * images * sum(layer.units * layer.height * layer.width for layer in layers)


def check_limit(layers: Sequence[Layer], images: int, limit_gb: float) -> None:
    """Refuse featuremaps that take more than the limit (1e9 bytes); say what would fit."""
    need, limit = bytes_needed(layers, images), limit_gb * 1e9
    if need <= limit:
        return
    fitting = [
        a.name for n, a in enumerate(layers) if bytes_needed(layers[: n + 1], images) <= limit
    ]
    span = (
        " … ".join(dict.fromkeys([fitting[0], fitting[-1]])) + " would fit, or " if fitting else ""
    )
    fewer = int(limit // bytes_needed(layers, 1))
    raise UserError(
        f"featuremaps of {images} generations take {need / 1e9:.3g} GB, the limit_gb of "
        f"collect_featuremaps is {limit_gb:g}: {span}{fewer} generations of all these would fit"
    )


def featuremaps_by_batch(
    generator: Generator, layers: Sequence[Layer], ids: Sequence[int] | np.ndarray, batch: int
) -> Iterator[dict[str, Featuremaps]]:
    """The float16 featuremaps of ``ids``, in order, on the generator's device; all finite.

    That they are is known when they are used up: to know it of a batch at once, a GPU would have
    to be waited for.
    """
    device = next(generator.network.parameters()).device
    names = [layer.name for layer in layers]
    finite: dict[str, list[Tensor]] = {name: [] for name in names}  # bool [image, unit]

    def collected(mine: Sequence[int] | np.ndarray) -> dict[str, Featuremaps]:
        latents = sent(latents_of(mine, generator.latent_dim), device)
        maps = {k: v.half() for k, v in featuremaps_of(generator, latents, names).items()}
        sound = {k: v.isfinite().flatten(2).all(2) for k, v in maps.items()}
        for name in names:  # at last: what has failed is computed again
            finite[name].append(sound[name])
        return maps

    yield from batched(ids, batch, collected, SMALLER)
    for name, batches in finite.items():
        _check_finite(name, torch.cat(batches), ids)


def featuremap_parts(
    generator: Generator, layers: Sequence[Layer], ids: np.ndarray, batch: int
) -> list[Part]:
    """The featuremaps of ``ids``, a part a shard; one shard in memory at a time."""

    shards = [ids[start : start + SHARD] for start in range(0, len(ids), SHARD)]
    return [
        Part(
            f"featuremaps/{number:05d}.safetensors",
            partial(_write_shard, generator, layers, mine, batch),
        )
        for number, mine in enumerate(shards)
    ]


def _write_shard(
    generator: Generator, layers: Sequence[Layer], ids: np.ndarray, batch: int, path: Path
) -> None:
    tensors = {"ids": torch.from_numpy(ids)}
    for a in layers:
        shape = (len(ids), a.units, a.height, a.width)
        tensors[a.name] = torch.empty(shape, dtype=torch.float16)
    done = 0
    for maps in fetched(featuremaps_by_batch(generator, layers, ids, batch)):
        rows = slice(done, done + len(maps[layers[0].name]))
        for name, value in maps.items():
            tensors[name][rows] = value
        done = rows.stop
    with whole_file(path) as file:
        save_file(tensors, file)


def _check_finite(layer: str, finite: Tensor, ids: Sequence[int] | np.ndarray) -> None:
    if bool(finite.all()):
        return
    image, unit = (~finite).nonzero()[0].tolist()
    raise UserError(
        f"{layer} unit {unit} of generation {ids[image]} is NaN or beyond half precision (65,504); "
        "check the checkpoint, or leave the layer out of collect_featuremaps.layers"
    )
