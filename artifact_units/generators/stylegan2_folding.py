"""Folding edits into StyleGAN2: where it is exact, and the approximation elsewhere.

The noise comes after the convolution, one strength a layer, so that no weight stops one unit; and
what reads a unit is demodulated by weights that include the unit's own.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from artifact_units.generators.stylegan2_keys import FORMS, Form
from artifact_units.layers.edits import Scale
from artifact_units.layers.generator import Generator
from artifact_units.layers.layouts import NotExact


def fold(
    state: dict[str, Tensor], generator: Generator, edits: Mapping[str, Scale]
) -> dict[str, Tensor]:
    """Where it is exact: the last layer by its to-RGB; ablation in a layer without noise."""
    form, out, changes = _begun(state, generator, edits)
    for k, unit, factor in changes:
        layer = generator.layers[k]
        if k == len(generator.layers) - 1:
            _scale_column(out, f"{form.rgb(k // 2)}.{form.weight}", form, unit, factor)
        elif out[f"{form.layer(k)}.{form.strength}"].any():
            raise NotExact(
                f"{layer.name}: its noise comes after the convolution: no weight stops the unit"
            )
        elif factor != 0:
            raise NotExact(f"{layer.name}: the demodulation undoes the factor {factor:g} of a row")
        else:
            out[f"{form.layer(k)}.{form.weight}"].view(layer.units, -1)[unit] = 0
            out[f"{form.layer(k)}.{form.bias}"][unit] = 0
    return out


def fold_roughly(
    state: dict[str, Tensor], generator: Generator, edits: Mapping[str, Scale]
) -> dict[str, Tensor]:
    """Scale the columns that read each unit; the next demodulation then misses the unit's share."""
    form, out, changes = _begun(state, generator, edits)
    for k, unit, factor in changes:
        if k % 2 == 0:
            _scale_column(out, f"{form.rgb(k // 2)}.{form.weight}", form, unit, factor)
        if k + 1 < len(generator.layers):
            _scale_column(out, f"{form.layer(k + 1)}.{form.weight}", form, unit, factor)
    return out


def _begun(
    state: dict[str, Tensor], generator: Generator, edits: Mapping[str, Scale]
) -> tuple[Form, dict[str, Tensor], list[tuple[int, int, float]]]:
    """The layout's form, tensors that may be changed, each (layer from 0, unit, factor)."""
    out = {k: v.clone(memory_format=torch.contiguous_format) for k, v in state.items()}
    names = [layer.name for layer in generator.layers]
    changes = [
        (names.index(name), unit, factor)
        for name, edit in edits.items()
        for unit, factor in zip(edit.units, edit.factors, strict=True)
    ]
    return FORMS[generator.layout], out, changes


def _scale_column(state: dict[str, Tensor], key: str, form: Form, unit: int, factor: float) -> None:
    state[key].select(len(form.lead) + 1, unit).mul_(factor)
