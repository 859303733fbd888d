"""What was computed of a tensor, remembered as long as somebody has the tensor."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

Options = ParamSpec("Options")
Result = TypeVar("Result")


def remembered(
    of: Callable[Concatenate[Tensor, Options], Result],
) -> Callable[Concatenate[Tensor, Options], Result]:
    """``of``, called once for each tensor and options; the tensor must not be changed in place."""
    known = WeakTensorKeyDictionary()

    @wraps(of)
    def found(values: Tensor, *options: Options.args, **named: Options.kwargs) -> Result:
        results = known.get(values)
        if results is None:
            results = known[values] = {}
        key = (options, tuple(named.items()))
        if key not in results:
            results[key] = of(values, *options, **named)
        return results[key]

    return found
