"""The values of a step: read as DVC spells them, held against their model, explained if wrong."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from artifact_units.errors import UserError, did_you_mean, shown

KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
SECTION = "a section: keys and values"
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def validated(model: type[BaseModel], values: dict[str, Any]) -> Any:
    """``values`` as the model; a UserError names each mistake's place, and what may stand there."""
    try:
        return model.model_validate(values)
    except ValidationError as failure:
        raise UserError(explain(failure, model)) from None


def explain(failure: ValidationError, model: type[BaseModel]) -> str:
    """Pydantic's findings, a line each; a stranger's name says most, so it is first."""
    errors = sorted(failure.errors(), key=lambda found: found["type"] != "extra_forbidden")
    return "\n".join(dict.fromkeys(_explained(found, model) for found in errors))


def _explained(found: Any, model: type[BaseModel]) -> str:
    *parents, key = [str(part) for part in found["loc"]]
    place = ".".join([*parents, key])
    owner = _at(model, parents)
    fields = owner.model_fields if isinstance(owner, type) else {}
    if found["type"] == "extra_forbidden":
        return f"{place} is not known; {did_you_mean(key, fields, '.'.join(parents))}"
    if found["type"] == "missing":
        strangers = [str(k) for k in found["input"] if k not in fields]
        if near := difflib.get_close_matches(key, strangers, n=1):
            stranger = ".".join([*parents, near[0]])
            return f"{stranger} is not known; {did_you_mean(near[0], fields, '.'.join(parents))}"
        return (
            f"{place} is missing; it takes {_takes(fields[key].annotation, fields[key].metadata)}"
        )
    field = _at(model, [*parents, key])
    known = isinstance(field, FieldInfo)
    takes = _takes(field.annotation, field.metadata) if known else SECTION
    return f"{place} is {shown(found['input'])}; it takes {takes}"


def spare_values(arguments: list[str]) -> dict[str, Any]:
    """Values that no option took, as DVC spells them.

    ``--a.b 1``; ``--flag`` and ``--no-flag``; a key that comes again makes a list.
    """
    pairs: dict[str, Any] = {}
    waiting = list(arguments)
    while waiting:
        key = waiting.pop(0)
        if not key.startswith("--"):
            raise UserError(f"{key!r} is neither an option nor the value of one")
        if waiting and not waiting[0].startswith("--"):
            name, value = key[2:], _scalar(waiting.pop(0))
        else:
            name, value = key[2:].removeprefix("no-"), not key.startswith("--no-")
        before = pairs.get(name)
        if name in pairs:
            value = [*(before if isinstance(before, list) else [before]), value]
        pairs[name] = value
    return nested(list(pairs.items()))


def nested(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """``[("a.b", 1)]`` -> ``{"a": {"b": 1}}``: DVC spells a nested value with dots."""
    out: dict[str, Any] = {}
    for key, value in pairs:
        place = out
        *folders, last = key.split(".")
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = value
    return out


def _scalar(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _at(model: type[BaseModel], location: list[str]) -> type[BaseModel] | FieldInfo | None:
    """What is at a dotted place: a model, or the field of one that is no model itself."""
    here: Any = model
    for name in location:
        if isinstance(here, FieldInfo) and get_origin(here.annotation) is dict:
            here = get_args(here.annotation)[1]  # a name that the user gave
            continue
        if not isinstance(here, type):
            return here  # an item of a list: the field says what it takes
        here = here.model_fields.get(name)
        if here is not None and isinstance(here.annotation, type):
            here = here.annotation if issubclass(here.annotation, BaseModel) else here
        if here is None:
            return None
    return here


def _takes(annotation: Any, metadata: list[Any]) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(map(str, get_args(annotation)))
    if get_origin(annotation) is Annotated:
        annotation, limit = get_args(annotation)[0], get_args(annotation)[1]
        metadata = [*limit.metadata, *metadata]
    if get_origin(annotation) is list:
        kind = f"a list, each {_takes(get_args(annotation)[0], [])}"
    else:
        kind = KINDS.get(annotation, SECTION)
    return ", ".join([kind, *bounds_of(metadata)])


def bounds_of(metadata: list[Any]) -> list[str]:
    said = [
        f"{word} {getattr(limit, sign):.10g}"
        for limit in metadata
        for sign, word in BOUNDS.items()
        if getattr(limit, sign, None) is not None
    ]
    full = any(getattr(limit, "min_length", None) for limit in metadata)
    said += [f"of the form {limit.pattern}" for limit in metadata if _pattern(limit)]
    return [*said, "not empty"] if full else said


def _pattern(limit: Any) -> bool:
    return getattr(limit, "pattern", None) is not None
