"""What every step shares: options made from its section of parameters, and one-line errors."""

from __future__ import annotations

import functools
import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from artifact_units.computing import portable
from artifact_units.errors import UserError
from steps.making import contract, warm
from steps.making.parameters import Run
from steps.making.values import bounds_of, spare_values, validated

# Before torch is imported. Idle OpenMP threads neither sleep at once (a stage of small operations
# takes twice as long on two threads) nor spin for milliseconds (they would starve other stages).
os.environ.setdefault("GOMP_SPINCOUNT", "50000")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # where there is no run.threads
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "0")  # Arrow gives memory back at once

PATH = click.Path(path_type=Path)
OBJECTS = 100_000  # more than these since the last look for cycles: the next one
READ = ("weights", "heatmaps")  # a parameter of a name that ends so is a path that is read


class Misuse(click.ClickException):
    """An option that is missing, unknown or no value of its kind."""

    exit_code = click.UsageError.exit_code


class Step(click.Command):
    """A click command whose mistakes of usage are one line too."""

    def main(self, *given: Any, **settings: Any) -> Any:
        """As click's; where it is the whole process, without what that would do for nothing.

        Looking for cycles again and again while torch is imported, and taking all apart at the end:
        a second of each stage. Outputs are whole and synced, and locks end with the process.
        """
        if given or "args" in settings:  # by a program that lives on
            return super().main(*given, **settings)
        gc.set_threshold(OBJECTS)
        try:
            return super().main(**settings)
        except SystemExit as end:
            sys.stdout.flush()
            sys.stderr.flush()
            if isinstance(end.code, int | None):
                os._exit(end.code or 0)
            raise

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            raise Misuse(" ".join(error.format_message().split())) from None


class Input(click.Option):
    """A path that the step reads: the whole of it, or those ``parts`` of a folder."""

    def __init__(self, *args: Any, parts: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parts = parts


class Output(click.Option):
    """A path that the step writes."""


def step(section: type[BaseModel] | None = None, *, run: bool = False) -> Callable[..., Step]:
    """Make a function the command of its stage, within the contract of every step (contract.py).

    It gets its paths from the ``input``/``output`` options, its section validated as ``params``
    and, with ``run``, device, threads and batch as ``run``. A mistake of the user, or a file that
    cannot be read or written, ends it in one line and exit status 1.
    """
    models = {"params": section, "run": Run if run else None}
    sections = {name: model for name, model in models.items() if model is not None}

    def decorate(function: Callable[..., None]) -> Step:
        @functools.wraps(function)
        def body(**given: Any) -> None:
            context = click.get_current_context()
            outputs = _outputs(context.command, given)
            with _one_line(), contract.stoppable(), contract.locked(outputs):
                for name, model in sections.items():
                    mine = {k: given.pop(k) for k in model.model_fields if k in given}
                    mine |= spare_values(context.args) if name == "params" else {}
                    given[name] = validated(model, mine)
                if not run or given["run"].portable:  # before torch and numpy are imported
                    portable.settle()
                if run:
                    warm.start()
                    os.environ["OPENBLAS_NUM_THREADS"] = str(given["run"].threads)
                inputs = _inputs(context.command, given)
                values = _values(given)
                with contract.kept(contract.Task(_name_of(function), inputs, outputs, values)):
                    function(**given)

        spare = section is not None and _takes_spare(section)
        settings = {"ignore_unknown_options": spare, "allow_extra_args": spare}
        settings |= {"max_content_width": 100}
        command = click.command(cls=Step, help=function.__doc__, context_settings=settings)(body)
        command.params += [option for model in sections.values() for option in _options(model)]
        return command

    return decorate


def input_path(name: str, text: str, *, parts: Sequence[str] = ()) -> Callable:
    """A path that must exist; of a folder where others write too, the ``parts`` that are read."""
    kind = click.Path(path_type=Path, exists=True)
    return click.option(f"--{name}", cls=Input, type=kind, required=True, help=text, parts=parts)


def params_path(function: Callable) -> Callable:
    """The option ``--params`` of a step that reads other stages' values; its name is ``used``."""
    kind = click.Path(path_type=Path, exists=True)
    said = "The parameters of the run: params.yaml."
    option = click.option("--params", "used", cls=Input, type=kind, required=True, help=said)
    return option(function)


def output_path(name: str, text: str) -> Callable:
    """A path that will be written, whole."""
    return click.option(f"--{name}", cls=Output, type=PATH, required=True, help=text)


def say(line: str) -> None:
    """The one line a step says of what it did; to standard error, so that outputs stay clean."""
    click.echo(f"{Path(sys.argv[0]).stem}: {line}", err=True)


def _name_of(function: Callable) -> str:
    spec = getattr(function, "__wrapped__", function).__globals__.get("__spec__")  # within sharded
    return (spec.name if spec else function.__module__).rpartition(".")[2]  # run, it is __main__


def _outputs(command: click.Command, given: Mapping[str, Any]) -> list[Path]:
    if given.get("shard") is not None:
        return []  # a share of the work: parts for the run that gathers them
    return [given[o.name] for o in command.params if isinstance(o, Output) and o.name]


def _inputs(command: click.Command, given: Mapping[str, Any]) -> dict[str, Path]:
    """What is read, by option: input paths, and the files that parameters name."""
    found: dict[str, Path] = {}
    for option in command.params:
        if isinstance(option, Input) and option.name:
            name, path = option.opts[0].removeprefix("--"), given[option.name]
            parts = {f"{name}/{part}": path / part for part in option.parts}
            found |= parts or {name: path}
    for model in (value for value in given.values() if isinstance(value, BaseModel)):
        found |= {name: Path(path) for name in _read(model) if (path := getattr(model, name))}
    return {name: path for name, path in found.items() if path.exists()}


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is no path, by option."""
    values: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, BaseModel):
            values |= value.model_dump(exclude_unset=True, exclude=_read(value))
        elif value is not None and not isinstance(value, Path):
            values[name] = value
    return values


def _read(model: BaseModel) -> set[str]:
    """The values that name a file or folder which the step reads."""
    return {name for name in type(model).model_fields if name.endswith(READ)}


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(_said(error)) from None
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # torch's, which is not imported here
            raise
        said = ". ".join(str(error).split(". ")[:2])
        raise click.ClickException(f"{said}; take a larger GPU, or set run.device to cpu") from None


def _said(error: OSError) -> str:
    if error.filename is None or error.strerror is None:
        return " ".join(str(error).split())
    return f"{error.filename}: {error.strerror[0].lower()}{error.strerror[1:]}"


def _takes_spare(section: type[BaseModel]) -> bool:
    dicts = any(get_origin(field.annotation) is dict for field in section.model_fields.values())
    return dicts or section.model_config.get("extra") == "allow"


def _options(model: type[BaseModel]) -> list[click.Option]:
    fields = model.model_fields.items()
    return [_option(name, f) for name, f in fields if get_origin(f.annotation) is not dict]


def _option(name: str, field: FieldInfo) -> click.Option:
    annotation: Any = field.annotation
    text = " ".join([field.description or "", _range_text(field.metadata)]).strip()
    needed = field.is_required()
    given: Any = {"required": True} if needed else {"default": field.default, "show_default": True}
    if get_origin(annotation) is list:
        item = get_args(annotation)[0]
        item = get_args(item)[0] if get_origin(item) is Annotated else item
        kept: Any = {"multiple": True, "callback": lambda _context, _option, value: list(value)}
        kind = item if item in (int, float) else str
        return click.Option([f"--{name}"], type=kind, help=text, **given, **kept)
    if annotation is bool:
        return click.Option([f"--{name}/--no-{name}"], help=text, **given)
    if get_origin(annotation) is Literal:
        allowed = get_args(annotation)
        kind = click.Choice(allowed) if isinstance(allowed[0], str) else type(allowed[0])
    else:
        kind = annotation if annotation in (int, float) else str
    return click.Option([f"--{name}"], type=kind, help=text, **given)


def _range_text(metadata: list[Any]) -> str:
    bounds = bounds_of(metadata)
    return f"[{', '.join(bounds)}]" if bounds else ""
