"""The options of a stage whose work may be cut into shards."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from artifact_units.errors import UserError
from artifact_units.files.parts import Shards
from steps.making.command import PATH


class Share(click.ParamType):
    """``i/n``: shard i of n, counted from 0."""

    name = "i/n"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        try:
            number, count = map(int, value.split("/"))
        except ValueError:
            self.fail(f"{value!r} is no shard; it takes i/n, such as 0/4", param, ctx)
        if not 0 <= number < count:
            self.fail(f"{value!r} is no shard; of {count} there are 0 … {count - 1}", param, ctx)
        return number, count


def sharded(function: Callable[..., None]) -> Callable[..., None]:
    """Give a step ``shards``; as dvc.yaml has it, a stage is run without its two options.

    With --shard it computes a share of its parts into --shards and writes no output. Without, it
    takes the parts that are finished in --shards, which a scheduler names by STEP_SHARDS.
    """

    @click.option(
        "--shards",
        type=PATH,
        envvar="STEP_SHARDS",
        help="Folder of the parts that shards make.",
    )
    @click.option("--shard", type=Share(), help="Compute this share of the parts, and no output.")
    @functools.wraps(function)
    def main(shards: Path | None, shard: tuple[int, int] | None, **given: Any) -> None:
        if shard is not None and shards is None:
            raise UserError("--shard needs --shards, the folder of its parts")
        function(shards=Shards(shards, shard), **given)

    return main
