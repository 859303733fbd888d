"""Parameters as DVC reads them: every value, written from those that one's own file gives.

An overlay is a YAML file of the same sections that names only what differs from the defaults; a
list or a table (rankings, corrections) that it names stands in place of the default one.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from artifact_units.errors import UserError
from steps.making.parameters import Params

HEAD = """\
# Every value of a run; written, and yours to edit. This is what one file and the defaults say:
#   make params FROM={origin}
# A misspelt or impossible value stops the run in its first second (stage check_params). Ranges:
# `python -m steps.STAGE --help`, or workflow/schemas/params.schema.json.

"""
WIDE = 10_000  # columns: no line is folded


def written(params: Params, origin: Path) -> str:
    """The text of params.yaml: every value of ``params`` in one order, beside it what it means."""
    sections = (_section(name, getattr(params, name)) for name in type(params).model_fields)
    return HEAD.format(origin=origin) + "\n".join(sections)


def check_complete(params: Params, path: Path) -> None:
    """A UserError where a file leaves a value to its default: DVC looks for every one in it."""
    first, *others = [*_left_out(params), ""]
    if first:
        more = f" and {len(others) - 1} more are" if others[1:] else " is"
        raise UserError(f"{first}{more} missing; `make params FROM={path}` writes the defaults")


def _left_out(model: BaseModel, place: str = "") -> Iterator[str]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if name not in model.model_fields_set:
            yield f"{place}{name}"
        elif isinstance(value, BaseModel):
            yield from _left_out(value, f"{name}.")


def _section(name: str, section: BaseModel) -> str:
    lines = [f"# {(type(section).__doc__ or '').splitlines()[0]}", f"{name}:"]
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if isinstance(value, dict):
            rows = ((name, row.model_dump(exclude_unset=True)) for name, row in value.items())
            lines += [f"  {key}:  # {field.description}"]
            lines += [f"    {_flow({name: row})}" for name, row in rows]
        else:
            lines.append(f"  {_flow({key: value}):{24}}  # {field.description}")
    for key, value in (section.model_extra or {}).items():  # options of the method that it names
        lines.append(f"  {_flow({key: value})}")
    return "\n".join(lines) + "\n"


def _flow(pair: dict[str, Any]) -> str:
    """One ``key: value`` in one line."""
    from ruamel.yaml import YAML

    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.width = True, WIDE
    yaml.sort_base_mapping_type_on_output = False
    text = StringIO()
    yaml.dump(pair, text)
    return text.getvalue().strip().removeprefix("{").removesuffix("}")
