"""Single-layer correction (section 3.3): the top units of one layer to zero, everywhere."""

from __future__ import annotations

from collections.abc import Mapping

from artifact_units.edits import Scale
from artifact_units.evidence import RankedLayer, worst_units


def correct(ranked: Mapping[str, RankedLayer], *, layer: str, n: int) -> dict[str, Scale]:
    """Zero the ``n`` most defective units of ``layer``; n = 0 leaves the generator as it is."""
    units = worst_units(ranked, layer, n)
    return {layer: Scale(units, (0.0,) * len(units))}
