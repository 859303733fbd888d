"""The fingerprint of every stage's code, by the methods that params.yaml names for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from artifact_units.errors import UserError, yaml_problem
from steps.making.closure import Closure
from steps.making.modules import Sources

STEPS = "steps"
RUN = re.compile("__name__ == [\"']__main__[\"']")


def fingerprints(root: Path, params: Path) -> dict[str, str]:
    """Stage -> fingerprint of the code that it runs: of every command that a stage may be of.

    Where a command's section of ``params`` has named entries, such as rankings, each is a stage
    ``COMMAND@ENTRY`` too, and rests on the methods that its entry names.
    """
    sources, values = Sources(root.resolve()), load(params)
    return {
        stage: _fingerprint(sources, command, given)
        for command in commands(root)
        for stage, given in _given(command, values)
    }


def fingerprint_of(root: Path, params: Path, stage: str) -> str | None:
    """The fingerprint of one stage; None where there is no such stage."""
    command = stage.partition("@")[0]
    given = dict(_given(command, load(params))).get(stage)
    there = command in commands(root)
    return _fingerprint(Sources(root.resolve()), command, given) if there else None


def commands(root: Path) -> Iterator[str]:
    """Every command of a checkout: the files of ``steps/`` that can be run."""
    for file in sorted((root / STEPS).glob("*.py")):
        if RUN.search(file.read_text(encoding="utf-8")):
            yield file.stem


def load(path: Path) -> Any:
    """What a YAML file holds."""
    return _loaded(path.resolve(), path.stat().st_mtime_ns)


@cache
def _loaded(path: Path, _written: int) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise UserError(f"{path}: {yaml_problem(error)}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text") from None


def _fingerprint(sources: Sources, command: str, given: Any) -> str:
    closure = Closure(sources, _texts(given))
    closure.follow(f"{STEPS}.{command}")
    return closure.fingerprint()


def _given(command: str, values: Any) -> Iterator[tuple[str, Any]]:
    """The stages of a command, and the values that name their methods.

    A command without a section of its own reads those of others: any value may name one.
    """
    section = values.get(command, values) if isinstance(values, Mapping) else {}
    yield command, section
    if section is not values and isinstance(section, Mapping):
        for entries in section.values():
            for key, entry in entries.items() if isinstance(entries, Mapping) else ():
                yield f"{command}@{key}", entry


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts([*value.values()])
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
