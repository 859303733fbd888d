"""What unlabelled generations say of every unit: histograms of its values, and spatial maxima.

Computed in parts of 2,000 generations, safetensors files with, for each layer, ``LAYER/places``
(int32: unit * 65,536 + bit pattern, of what occurred), ``LAYER/counts`` (int32) and
``LAYER/maxima`` (float32 ``[image, unit]``). They merge exactly: counts are integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from artifact_units.errors import UserError
from artifact_units.files.parts import Part
from artifact_units.files.storage import whole_file
from artifact_units.files.tables import lists_of, write_parts
from artifact_units.layers.generator import Generator, Layer
from artifact_units.units.collection import featuremaps_by_batch
from artifact_units.units.histograms import MOST, Histogram, write_histograms

PART = 2000  # generations a part


def survey_parts(
    generator: Generator, layers: Sequence[Layer], ids: Sequence[int] | np.ndarray, batch: int
) -> list[Part]:
    """The survey of ``ids`` as parts; a UserError where they have too many values to count."""
    for layer in layers:
        if len(ids) * layer.height * layer.width > MOST:
            raise UserError(
                f"{len(ids)} generations give more values of {layer.name} than a histogram holds; "
                f"lower sample_generations.unlabelled to {MOST // (layer.height * layer.width)}"
            )

    shares = [ids[start : start + PART] for start in range(0, len(ids), PART)]
    return [
        Part(f"survey/{number:05d}.safetensors", partial(_write, generator, layers, mine, batch))
        for number, mine in enumerate(shares)
    ]


def merged(
    paths: Iterable[Path], layers: Sequence[Layer]
) -> tuple[dict[str, Histogram], dict[str, Tensor]]:
    """The parts as one: histograms of every unit, and maxima ``[image, unit]``; by layer."""
    histograms = {layer.name: Histogram.empty(layer.units) for layer in layers}
    maxima: dict[str, list[Tensor]] = {layer.name: [] for layer in layers}
    for path in paths:
        found = load_file(path)
        for name, histogram in histograms.items():
            places = found[f"{name}/places"].long()
            histogram.counts.view(-1).index_add_(0, places, found[f"{name}/counts"])
            # A copy: the tensors of a file keep all of it in memory, the counts too.
            maxima[name].append(found[f"{name}/maxima"].clone())
    return histograms, {name: torch.cat(parts) for name, parts in maxima.items()}


def write_survey(
    folder: Path, layers: Sequence[Layer], ids: Sequence[int] | np.ndarray, parts: Iterable[Path]
) -> None:
    """Write the tables ``histograms`` and ``maxima`` of ``ids`` from their parts."""
    histograms, maxima = merged(parts, layers)
    write_histograms(folder / "histograms.parquet", histograms)
    write_maxima(folder / "maxima.parquet", ids, maxima)


def write_maxima(path: Path, ids: Sequence[int] | np.ndarray, maxima: Mapping[str, Tensor]) -> None:
    """Write the table ``maxima``: spatial maxima ``[image, unit]`` by layer, a part each."""
    parts = (
        {"layer": [name] * len(ids), "id": ids, "maxima": lists_of(table.numpy())}
        for name, table in maxima.items()
    )
    write_parts(path, "maxima", parts)


def _write(
    generator: Generator,
    layers: Sequence[Layer],
    ids: Sequence[int] | np.ndarray,
    batch: int,
    path: Path,
) -> None:
    device = next(generator.network.parameters()).device
    histograms = {layer.name: Histogram.empty(layer.units, device) for layer in layers}
    maxima: dict[str, list[Tensor]] = {layer.name: [] for layer in layers}
    for maps in featuremaps_by_batch(generator, layers, ids, batch):
        for name, histogram in histograms.items():
            histogram.add(maps[name])
            maxima[name].append(maps[name].amax((2, 3)).float())
    tensors = {}
    for name, histogram in histograms.items():
        counts = histogram.counts.flatten()
        places = counts.nonzero().flatten()
        tensors[f"{name}/places"] = places.int().cpu()
        tensors[f"{name}/counts"] = counts[places].cpu()
        tensors[f"{name}/maxima"] = torch.cat(maxima[name]).cpu()
    with whole_file(path) as file:
        save_file(tensors, file)
