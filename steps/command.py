"""What every step shares: options made from its section of parameters, and one-line errors."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from artifact_units.errors import UserError, did_you_mean
from steps.parameters import Run, nested

PATH = click.Path(path_type=Path)


def step(section: type[BaseModel] | None = None, *, run: bool = False) -> Callable:
    """Make a function the command of its stage.

    It gets its paths from the ``input``/``output`` options, its section validated as ``params``
    and, with ``run``, device, threads and batch as ``run``. A mistake of the user ends it in one
    line and exit status 1.
    """
    sections = {"params": section, "run": Run if run else None}

    def decorate(function: Callable) -> click.Command:
        @functools.wraps(function)
        def body(**given: Any) -> None:
            extra = click.get_current_context().args
            try:
                for name, model in sections.items():
                    if model is not None:
                        mine = {k: given.pop(k) for k in model.model_fields if k in given}
                        mine |= _spare(extra) if name == "params" else {}
                        given[name] = validated(model, mine)
                function(**given)
            except UserError as error:
                raise click.ClickException(str(error)) from None

        takes_spare = section is not None and (_dicts(section) or _open(section))
        command = click.command(
            help=function.__doc__,
            context_settings={
                "show_default": False,
                "ignore_unknown_options": takes_spare,
                "allow_extra_args": takes_spare,
                "max_content_width": 100,
            },
        )(body)
        for model in sections.values():
            command.params += [_option(n, f) for n, f in (model.model_fields if model else {}).items() if get_origin(f.annotation) is not dict]
        return command

    return decorate


def input_path(name: str, text: str) -> Callable:
    """A path that must exist."""
    return click.option(f"--{name}", type=click.Path(path_type=Path, exists=True), required=True, help=text)


def output_path(name: str, text: str) -> Callable:
    """A path that will be written, whole."""
    return click.option(f"--{name}", type=PATH, required=True, help=text)


def say(line: str) -> None:
    """The one line a step says of what it did; to standard error, so that outputs stay clean."""
    click.echo(f"{Path(sys.argv[0]).stem}: {line}", err=True)


def validated(model: type[BaseModel], values: dict[str, Any], path: str = "") -> Any:
    """``values`` as the model, or a UserError naming the path, what it is, what it may be."""
    try:
        return model.model_validate(values)
    except ValidationError as failure:
        raise UserError(explain(failure, model, path)) from None


def explain(failure: ValidationError, model: type[BaseModel], path: str = "") -> str:
    """The first of pydantic's findings as one line."""
    found = failure.errors()[0]
    *parents, key = [str(part) for part in found["loc"]]
    place = ".".join([*([path] if path else []), *parents, key])
    if found["type"] == "extra_forbidden":
        inner = _model_at(model, parents)
        near = did_you_mean(key, inner.model_fields if inner else [])
        return f"{place} is not known; {near}"
    if found["type"] == "missing":
        return f"{place} is missing"
    message = found["msg"][0].lower() + found["msg"][1:]
    return f"{place} is {found['input']!r}; {message}"


def _model_at(model: type[BaseModel], parents: list[str]) -> type[BaseModel] | None:
    for name in parents:
        field = model.model_fields.get(name)
        annotation = field.annotation if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return None
        model = annotation
    return model


def _dicts(section: type[BaseModel]) -> bool:
    return any(get_origin(f.annotation) is dict for f in section.model_fields.values())


def _open(section: type[BaseModel]) -> bool:
    return section.model_config.get("extra") == "allow"


def _spare(arguments: list[str]) -> dict[str, Any]:
    """``--a.b 1`` pairs that no option took, as DVC writes nested values."""
    keys, values = arguments[::2], arguments[1::2]
    for key in keys:
        if not key.startswith("--"):
            raise UserError(f"{key!r} is neither an option nor the value of one")
    if len(keys) != len(values):
        raise UserError(f"{keys[-1]} has no value")
    return nested([(k[2:], yaml.safe_load(v)) for k, v in zip(keys, values, strict=True)])


def _option(name: str, field: FieldInfo) -> click.Option:
    annotation: Any = field.annotation
    if get_origin(annotation) is Literal and all(isinstance(a, str) for a in get_args(annotation)):
        kind: Any = click.Choice(get_args(annotation))
    elif get_origin(annotation) is Literal:
        kind = type(get_args(annotation)[0])
    elif get_origin(annotation) is list:
        return click.Option([f"--{name}"], multiple=True, callback=lambda _c, _p, v: list(v), help=field.description)
    elif annotation is bool:
        return click.Option([f"--{name}/--no-{name}"], required=True, help=field.description)
    else:
        kind = annotation if annotation in (int, float, str) else str
    return click.Option([f"--{name}"], type=kind, required=True, help=_help(field))


def _help(field: FieldInfo) -> str:
    bounds = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    said = [
        f"{word} {getattr(limit, sign):g}"
        for limit in field.metadata
        for sign, word in bounds.items()
        if getattr(limit, sign, None) is not None
    ]
    return " ".join([field.description or "", f"[{', '.join(said)}]" if said else ""]).strip()
