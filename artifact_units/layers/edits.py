"""Edits: functions featuremap -> featuremap at one layer, described by numbers alone.

An edit can be written to ``edits.json`` and read back; an export can fold some into weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import torch
from torch import Tensor

from artifact_units.computing.transfers import sent
from artifact_units.errors import UserError, shown
from artifact_units.shapes import Featuremaps

Edit = Callable[[Featuremaps], Featuremaps]


@dataclass(frozen=True)
class Scale:
    """Multiply some units by a factor each, everywhere in the grid; factor 0 ablates the unit."""

    units: tuple[int, ...]
    factors: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_lengths(self.units, factors=self.factors)

    def __call__(self, maps: Featuremaps) -> Featuremaps:
        factors = _column(self.factors, maps)
        # An ablated unit is +0 everywhere, as folded weights make it; 0 * x could be -0 or NaN.
        return _with(maps, self.units, lambda old: torch.where(factors == 0, 0, old * factors))


@dataclass(frozen=True)
class Clip:
    """Hold some units within [low, high] each, at every position."""

    units: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_lengths(self.units, low=self.low, high=self.high)
        if any(low > high for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError("a low is above its high")

    def __call__(self, maps: Featuremaps) -> Featuremaps:
        low, high = _column(self.low, maps), _column(self.high, maps)
        return _with(maps, self.units, lambda old: old.clamp(low, high))


@dataclass(frozen=True)
class Shrink:
    """Bring some units nearer to a target each: target + factor * (value - target)."""

    units: tuple[int, ...]
    factors: tuple[float, ...]
    targets: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_lengths(self.units, factors=self.factors, targets=self.targets)

    def __call__(self, maps: Featuremaps) -> Featuremaps:
        factors, targets = _column(self.factors, maps), _column(self.targets, maps)
        return _with(maps, self.units, lambda old: targets + factors * (old - targets))


@dataclass(frozen=True)
class Calm:
    """Divide a unit of an image by 2 |r| where its spatial mean is far from its usual one.

    Far: more than ``least`` and, as r, more than ``away`` deviations. One mean and deviation a
    unit of the layer; a unit without deviation is left alone.
    """

    means: tuple[float, ...]
    deviations: tuple[float, ...]
    away: float
    least: float

    def __post_init__(self) -> None:
        _check_lengths(self.means, deviations=self.deviations)

    def __call__(self, maps: Featuremaps) -> Featuremaps:
        gap = (maps.mean((2, 3), keepdim=True) - _column(self.means, maps)).abs()
        deviations = _column(self.deviations, maps)
        times = gap / torch.where(deviations > 0, deviations, torch.inf)
        far = (gap > self.least) & (times > self.away)
        return torch.where(far, maps / (2 * times), maps)


@dataclass(frozen=True)
class Silence:
    """Set the positive values of some neurons (single positions of a unit) to 0.

    ``neurons`` is the hexadecimal text of the bits ``[unit, row, col]`` in C order, ``shape``
    their three sizes.
    """

    shape: tuple[int, int, int]
    neurons: str

    def __post_init__(self) -> None:
        if len(bytes.fromhex(self.neurons)) != (int(np.prod(self.shape)) + 7) // 8:
            raise ValueError(f"neurons hold no bit for each of {list(self.shape)}")

    @classmethod
    def of(cls, neurons: np.ndarray) -> Silence:
        """The edit of a bool array ``[unit, row, col]``."""
        units, rows, cols = neurons.shape
        return cls((units, rows, cols), np.packbits(neurons).tobytes().hex())

    def bits(self) -> np.ndarray:
        """Which neurons, bool ``[unit, row, col]``."""
        packed = np.frombuffer(bytes.fromhex(self.neurons), np.uint8)
        count = int(np.prod(self.shape))
        return np.unpackbits(packed, count=count).astype(bool).reshape(self.shape)

    def __call__(self, maps: Featuremaps) -> Featuremaps:
        bits = sent(torch.from_numpy(self.bits()), maps.device)
        return torch.where(bits & (maps > 0), 0, maps)


# What the fields of edits take, by their type.
TAKES = {
    tuple[int, ...]: "a list of whole numbers",
    tuple[float, ...]: "a list of numbers",
    tuple[int, int, int]: "a list of three whole numbers",
    float: "a number",
    str: "text",
}
KINDS: dict[str, type] = {
    "scale": Scale,
    "clip": Clip,
    "shrink": Shrink,
    "calm": Calm,
    "silence": Silence,
}


def check_edit(name: str, edit: Any, shape: tuple[int, int, int]) -> None:
    """A UserError where an edit does not fit a layer of that many units, rows and columns."""
    if isinstance(edit, Calm | Silence):
        found = edit.shape if isinstance(edit, Silence) else (len(edit.means), *shape[1:])
        if tuple(found) != shape:
            raise UserError(f"{name} is {list(shape)}; its edit is for {list(found)}")
        return
    strangers = [unit for unit in edit.units if not 0 <= unit < shape[0]]
    if strangers:
        raise UserError(f"{name} has units 0 … {shape[0] - 1}; no unit {strangers[0]}")
    if len({*edit.units}) < len(edit.units):
        raise UserError(f"the edit of {name} names a unit twice; name each once")


def describe(edits: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Edits by layer as plain JSON values."""
    return {layer: described(edit, KINDS) for layer, edit in edits.items()}


def revive(given: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of ``describe``."""
    return {layer: revived(layer, fields, KINDS) for layer, fields in given.items()}


def described(edit: Any, kinds: Mapping[str, type]) -> dict[str, Any]:
    """One edit as plain JSON values; its kind is the name of its class in ``kinds``."""
    kind = next(name for name, cls in kinds.items() if type(edit) is cls)
    return {"kind": kind, **asdict(edit)}


def revived(place: str, fields: Any, kinds: Mapping[str, type]) -> Any:
    """The inverse of ``described``, or a UserError that names the place."""
    if not isinstance(fields, dict):
        raise UserError(f"edit of {place} is {shown(fields)}; it takes a kind and its fields")
    kind = fields.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise UserError(f"edit of {place} is of kind {kind!r}; there is {', '.join(kinds)}")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items() if k != "kind"}
    hints = get_type_hints(kinds[kind])
    for key, value in values.items():
        if key in hints and not fits(value, hints[key]):
            said = f"{key} is {shown(fields[key])}; it takes {TAKES[hints[key]]}"
            raise UserError(f"edit of {place}: {said}")
    try:
        return kinds[kind](**values)
    except (TypeError, ValueError) as error:
        raise UserError(f"edit of {place} is not a {kind}: {error}") from None


def fits(value: Any, hint: Any) -> bool:
    """Whether a value as JSON has it, lists as tuples, is of a field's type; NaN is of none."""
    if get_origin(hint) is tuple:
        kinds = get_args(hint)
        sized = kinds[-1] is ... or (isinstance(value, tuple) and len(value) == len(kinds))
        return isinstance(value, tuple) and sized and all(fits(v, kinds[0]) for v in value)
    if isinstance(value, bool) or value != value:
        return False
    return isinstance(value, int | float if hint is float else hint)


def _with(
    maps: Featuremaps, units: tuple[int, ...], change: Callable[[Featuremaps], Featuremaps]
) -> Featuremaps:
    """A copy in which some units went through ``change``."""
    if not units:
        return maps
    index = sent(torch.tensor(units), maps.device)
    edited = maps.clone()
    edited[:, index] = change(maps[:, index])
    return edited


def _column(values: tuple[float, ...], maps: Featuremaps) -> Tensor:
    return sent(torch.tensor(values, dtype=maps.dtype), maps.device)[:, None, None]


def _check_lengths(units: tuple[Any, ...], **others: tuple[float, ...]) -> None:
    for name, values in others.items():
        if len(values) != len(units):
            raise ValueError(f"{len(units)} units, {len(values)} {name}")
