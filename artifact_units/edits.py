"""Edits: functions featuremap -> featuremap at one layer, described by numbers alone.

An edit can be written to ``edits.json`` and read back, and an export can fold it into weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from artifact_units.errors import UserError
from artifact_units.shapes import Featuremaps

Edit = Callable[[Featuremaps], Featuremaps]


@dataclass(frozen=True)
class Scale:
    """Multiply some units by a factor each, everywhere in the grid; factor 0 ablates the unit."""

    units: tuple[int, ...]
    factors: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.units) != len(self.factors):
            raise ValueError(f"{len(self.units)} units, {len(self.factors)} factors")

    def __call__(self, maps: Featuremaps) -> Featuremaps:
        if not self.units:
            return maps
        index = torch.tensor(self.units, device=maps.device)
        factors = torch.tensor(self.factors, device=maps.device, dtype=maps.dtype)[:, None, None]
        edited = maps.clone()
        # An ablated unit is +0 everywhere, as folded weights make it; 0 * x could be -0 or NaN.
        edited[:, index] = torch.where(factors == 0, 0, maps[:, index] * factors)
        return edited


KINDS: dict[str, type] = {"scale": Scale}


def describe(edits: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Edits by layer as plain JSON values."""
    kind_of = {cls: kind for kind, cls in KINDS.items()}
    return {layer: {"kind": kind_of[type(e)], **asdict(e)} for layer, e in edits.items()}


def revive(described: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The inverse of ``describe``."""
    return {layer: _revived(layer, fields) for layer, fields in described.items()}


def _revived(layer: str, fields: Mapping[str, Any]) -> Any:
    kind = fields.get("kind")
    if kind not in KINDS:
        raise UserError(f"edit of {layer} is of kind {kind!r}; there is {', '.join(KINDS)}")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items() if k != "kind"}
    try:
        return KINDS[kind](**values)
    except (TypeError, ValueError) as error:
        raise UserError(f"edit of {layer} is not a {kind}: {error}") from None
