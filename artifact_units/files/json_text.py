"""JSON of strangers: what it says, or a ValueError, whatever it is."""

from __future__ import annotations

import json
import math
from typing import Any


def parsed(text: str | bytes) -> Any:
    """What a JSON text says.

    A ValueError where it is none, nests too deep to be read, or has a number that is not finite.
    """
    try:
        return json.loads(text, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise ValueError("nested too deep") from None


def whole(value: Any) -> int:
    """A whole number of parsed JSON; a ValueError of anything else, true and 1.0 too."""
    if type(value) is not int:
        raise ValueError(f"{value!r} is no whole number")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number
