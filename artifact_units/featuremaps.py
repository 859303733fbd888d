"""Featuremaps in half precision: what they take on disk, and computing, writing, reading them.

A set of featuremaps is a folder of safetensors shards, 200 generations each, in id order: ``ids``
(int64 ``[image]``) and one float16 tensor ``[image, unit, row, col]`` a layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from artifact_units.errors import UserError
from artifact_units.generator import Generator, Layer
from artifact_units.histograms import MOST, Histogram
from artifact_units.hooks import featuremaps_of
from artifact_units.latents import latents_of
from artifact_units.shapes import Featuremaps
from artifact_units.storage import whole_file
from artifact_units.tables import lists_of, write_parts

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
    """The float16 featuremaps of ``ids``, in order, on the generator's device; all finite."""
    device = next(generator.network.parameters()).device
    names = [layer.name for layer in layers]
    for start in range(0, len(ids), batch):
        mine = ids[start : start + batch]
        latents = latents_of(mine, generator.latent_dim).to(device)
        maps = {k: v.half() for k, v in featuremaps_of(generator, latents, names).items()}
        for name in names:
            _check_finite(name, maps[name], mine)
        yield maps


def survey(
    generator: Generator, layers: Sequence[Layer], ids: Sequence[int] | np.ndarray, batch: int
) -> tuple[dict[str, Histogram], dict[str, Tensor]]:
    """Histograms of every unit over ``ids``, and the spatial maxima ``[image, unit]``; by layer."""
    device = next(generator.network.parameters()).device
    for layer in layers:
        if len(ids) * layer.height * layer.width > MOST:
            raise UserError(
                f"{len(ids)} generations give more values of {layer.name} than a histogram holds; "
                f"lower sample_generations.unlabelled to {MOST // (layer.height * layer.width)}"
            )
    histograms = {layer.name: Histogram.empty(layer.units, device) for layer in layers}
    maxima: dict[str, list[Tensor]] = {layer.name: [] for layer in layers}
    for maps in featuremaps_by_batch(generator, layers, ids, batch):
        for name, histogram in histograms.items():
            histogram.add(maps[name])
            maxima[name].append(maps[name].amax((2, 3)).float().cpu())
    return histograms, {name: torch.cat(parts) for name, parts in maxima.items()}


def write_featuremaps(
    folder: Path, generator: Generator, layers: Sequence[Layer], ids: np.ndarray, batch: int
) -> None:
    """Compute and write the featuremaps of ``ids``; one shard in memory at a time."""
    for number, start in enumerate(range(0, len(ids), SHARD)):
        mine = ids[start : start + SHARD]
        tensors = {"ids": torch.from_numpy(mine)}
        for a in layers:
            shape = (len(mine), a.units, a.height, a.width)
            tensors[a.name] = torch.empty(shape, dtype=torch.float16)
        for place, maps in enumerate(featuremaps_by_batch(generator, layers, mine, batch)):
            part = slice(place * batch, (place + 1) * batch)
            for name, value in maps.items():
                tensors[name][part] = value.cpu()
        with whole_file(folder / f"{number:05d}.safetensors") as file:
            save_file(tensors, file)


def read_featuremaps(folder: Path, layer: str) -> Featuremaps:
    """The featuremaps of one layer, in the order of ``read_ids``; no other layer is read."""
    return torch.cat(list(_tensors(folder, layer)))


def read_ids(folder: Path) -> np.ndarray:
    """The generations of a folder of shards, int64 ``[image]``."""
    return torch.cat(list(_tensors(folder, "ids"))).numpy()


def write_maxima(path: Path, ids: np.ndarray, maxima: Mapping[str, Tensor]) -> None:
    """Write the table ``maxima``: spatial maxima ``[image, unit]`` by layer, a part each."""
    parts = (
        {"layer": [name] * len(ids), "id": ids, "maxima": lists_of(table.numpy())}
        for name, table in maxima.items()
    )
    write_parts(path, "maxima", parts)


def _tensors(folder: Path, key: str) -> Iterator[Tensor]:
    shards = sorted(folder.glob("[0-9]*.safetensors"))
    if not shards:
        raise UserError(f"{folder}: holds no featuremaps (00000.safetensors ...)")
    for shard in shards:
        try:
            with safe_open(shard, framework="pt") as file:
                yield file.get_tensor(key)
        except SafetensorError as error:
            raise UserError(f"{shard}: {error}; run collect_featuremaps again") from None


def _check_finite(layer: str, maps: Featuremaps, ids: Sequence[int] | np.ndarray) -> None:
    if bool(maps.isfinite().all()):
        return
    image, unit = (int(n) for n in (~maps.isfinite()).flatten(2).any(2).nonzero()[0])
    raise UserError(
        f"{layer} unit {unit} of generation {ids[image]} is NaN or beyond half precision (65,504); "
        "check the checkpoint, or leave the layer out of collect_featuremaps.layers"
    )
