"""What every step shares: options made from its section of parameters, and one-line errors."""

from __future__ import annotations

import difflib
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from artifact_units.errors import UserError, did_you_mean
from steps.parameters import Run

# Before torch is imported. Idle OpenMP threads neither sleep at once (a stage of small operations
# takes twice as long on two threads) nor spin for milliseconds (they would starve other stages).
os.environ.setdefault("GOMP_SPINCOUNT", "50000")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # run.threads says what else may run

PATH = click.Path(path_type=Path)
KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
SECTION = "a section: keys and values"
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


class Misuse(click.ClickException):
    """An option that is missing, unknown or no value of its kind."""

    exit_code = click.UsageError.exit_code


class Step(click.Command):
    """A click command whose mistakes of usage are one line too."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            raise Misuse(" ".join(error.format_message().split())) from None


def step(section: type[BaseModel] | None = None, *, run: bool = False) -> Callable[..., Step]:
    """Make a function the command of its stage.

    It gets its paths from the ``input``/``output`` options, its section validated as ``params``
    and, with ``run``, device, threads and batch as ``run``. A mistake of the user, or a file that
    cannot be read or written, ends it in one line and exit status 1.
    """
    models = {"params": section, "run": Run if run else None}
    sections = {name: model for name, model in models.items() if model is not None}

    def decorate(function: Callable[..., None]) -> Step:
        @functools.wraps(function)
        def body(**given: Any) -> None:
            spare = click.get_current_context().args
            try:
                for name, model in sections.items():
                    mine = {k: given.pop(k) for k in model.model_fields if k in given}
                    mine |= spare_values(spare) if name == "params" else {}
                    given[name] = validated(model, mine)
                function(**given)
            except UserError as error:
                raise click.ClickException(str(error)) from None
            except OSError as error:
                raise click.ClickException(_said(error)) from None

        takes_spare = section is not None and _takes_spare(section)
        settings = {
            "ignore_unknown_options": takes_spare,
            "allow_extra_args": takes_spare,
            "max_content_width": 100,
        }
        command = click.command(cls=Step, help=function.__doc__, context_settings=settings)(body)
        command.params += [option for model in sections.values() for option in _options(model)]
        return command

    return decorate


def input_path(name: str, text: str) -> Callable:
    """A path that must exist."""
    exists = click.Path(path_type=Path, exists=True)
    return click.option(f"--{name}", type=exists, required=True, help=text)


def output_path(name: str, text: str) -> Callable:
    """A path that will be written, whole."""
    return click.option(f"--{name}", type=PATH, required=True, help=text)


def say(line: str) -> None:
    """The one line a step says of what it did; to standard error, so that outputs stay clean."""
    click.echo(f"{Path(sys.argv[0]).stem}: {line}", err=True)


def validated(model: type[BaseModel], values: dict[str, Any]) -> Any:
    """``values`` as the model, or a UserError naming the place, what stands there, what may."""
    try:
        return model.model_validate(values)
    except ValidationError as failure:
        raise UserError(explain(failure, model)) from None


def explain(failure: ValidationError, model: type[BaseModel]) -> str:
    """The first of pydantic's findings as one line; a stranger's name says most, so it is first."""
    errors = failure.errors()
    found = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    *parents, key = [str(part) for part in found["loc"]]
    place = ".".join([*parents, key])
    owner = _at(model, parents)
    fields = owner.model_fields if isinstance(owner, type) else {}
    if found["type"] == "extra_forbidden":
        return f"{place} is not known; {did_you_mean(key, fields, '.'.join(parents))}"
    if found["type"] == "missing":
        strangers = [str(k) for k in found["input"] if k not in fields]
        if near := difflib.get_close_matches(key, strangers, n=1):
            return f"{'.'.join([*parents, near[0]])} is not known; did you mean {place}?"
        return (
            f"{place} is missing; it takes {_takes(fields[key].annotation, fields[key].metadata)}"
        )
    field = _at(model, [*parents, key])
    known = isinstance(field, FieldInfo)
    takes = _takes(field.annotation, field.metadata) if known else SECTION
    shown = repr(found["input"])
    return f"{place} is {shown if len(shown) < 60 else shown[:60] + '…'}; it takes {takes}"


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


def _said(error: OSError) -> str:
    if error.filename is None or error.strerror is None:
        return " ".join(str(error).split())
    return f"{error.filename}: {error.strerror[0].lower()}{error.strerror[1:]}"


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
    if get_origin(annotation) is list:
        kind = f"a list, each {_takes(get_args(annotation)[0], [])}"
    else:
        kind = KINDS.get(annotation, SECTION)
    return ", ".join([kind, *_bounds(metadata)])


def _bounds(metadata: list[Any]) -> list[str]:
    said = [
        f"{word} {getattr(limit, sign):.10g}"
        for limit in metadata
        for sign, word in BOUNDS.items()
        if getattr(limit, sign, None) is not None
    ]
    full = any(getattr(limit, "min_length", None) for limit in metadata)
    return [*said, "not empty"] if full else said


def _takes_spare(section: type[BaseModel]) -> bool:
    dicts = any(get_origin(field.annotation) is dict for field in section.model_fields.values())
    return dicts or section.model_config.get("extra") == "allow"


def _options(model: type[BaseModel]) -> list[click.Option]:
    fields = model.model_fields.items()
    return [_option(name, f) for name, f in fields if get_origin(f.annotation) is not dict]


def _option(name: str, field: FieldInfo) -> click.Option:
    annotation: Any = field.annotation
    text = " ".join([field.description or "", _range_text(field.metadata)]).strip()
    if get_origin(annotation) is list:
        kept = {"multiple": True, "callback": lambda _context, _option, value: list(value)}
        return click.Option([f"--{name}"], help=text, required=True, **kept)
    if annotation is bool:
        return click.Option([f"--{name}/--no-{name}"], required=True, help=text)
    if get_origin(annotation) is Literal:
        allowed = get_args(annotation)
        kind = click.Choice(allowed) if isinstance(allowed[0], str) else type(allowed[0])
    else:
        kind = annotation if annotation in (int, float) else str
    return click.Option([f"--{name}"], type=kind, required=True, help=text)


def _range_text(metadata: list[Any]) -> str:
    bounds = _bounds(metadata)
    return f"[{', '.join(bounds)}]" if bounds else ""
