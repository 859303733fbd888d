"""The open shelves: a folder of this package is a shelf, a file on it is a method, by its name.

A method is a module with one public function named after what the shelf does (``VERBS``); its
options are that function's keyword-only arguments with defaults. The shelf ``generators`` has no
verb: its files declare what they know (``declared``).
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from artifact_units.errors import UserError, did_you_mean

VERBS = {
    "maskers": "mask",
    "rankings": "score",
    "correctors": "correct",
    "extractors": "load",
    "metrics": "measure",
}


def names(shelf: str) -> list[str]:
    """The methods on a shelf, by file name, without importing any."""
    folder = Path(__file__).parent / shelf
    return sorted(f.stem for f in folder.glob("*.py") if not f.stem.startswith("_"))


def take(shelf: str, name: str) -> Callable[..., Any]:
    """The function of one method; imports that method's file and no other."""
    if name not in names(shelf):
        raise UserError(f"{name!r} is not on the shelf {shelf}; {did_you_mean(name, names(shelf))}")
    module = importlib.import_module(f"artifact_units.{shelf}.{name}")
    return getattr(module, VERBS[shelf])


def declared(shelf: str, what: str) -> list[Any]:
    """What the files of a shelf declare under the name ``what``, file by file; imports them all."""
    modules = (importlib.import_module(f"artifact_units.{shelf}.{name}") for name in names(shelf))
    return [getattr(module, what) for module in modules if hasattr(module, what)]


def options(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The options that a function takes: its keyword-only arguments."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def check_options(shelf: str, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` if every key is an option of the method, of its type, and none is missing."""
    return checked_options(take(shelf, name), name, given)


def checked_options(
    function: Callable[..., Any], name: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    """The same of any function, which messages call ``name``."""
    known, hints = options(function), get_type_hints(function)
    for key, value in given.items():
        if key not in known:
            raise UserError(f"{name} has no option {key!r}; {did_you_mean(key, known)}")
        if not _fits(value, hints[key]):
            raise UserError(f"{name}: option {key} is {value!r}; it takes {_shown(hints[key])}")
    missing = [k for k, p in known.items() if p.default is p.empty and k not in given]
    if missing:
        raise UserError(f"{name} needs the option {missing[0]!r}")
    return dict(given)


def _shown(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(map(str, get_args(hint)))
    return getattr(hint, "__name__", str(hint))


def _fits(value: Any, hint: Any) -> bool:
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if get_origin(hint) is list:
        return isinstance(value, list) and all(_fits(v, get_args(hint)[0]) for v in value)
    if isinstance(hint, UnionType):
        return any(_fits(value, each) for each in get_args(hint))
    if isinstance(hint, type):
        return isinstance(value, hint)
    return value in get_args(hint)  # Literal
