"""A step of several commands: the stage itself, and others that are looked up when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

from steps.making.command import Misuse


class Group(click.Group):
    """Commands of one step.

    ``others`` names commands as ``module:function``. They are imported by nobody but who asks for
    them: a stage does not rest on the code of a page, and `--help` stays quick.
    """

    def __init__(
        self, name: str, text: str, stage: click.Command, others: Mapping[str, str]
    ) -> None:
        settings = {"max_content_width": 100}
        commands = {stage.name or "": stage}
        super().__init__(name, help=text, commands=commands, context_settings=settings)
        self.others = others

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The stage first."""
        return [*super().list_commands(ctx), *self.others]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name."""
        if cmd_name not in self.others:
            return super().get_command(ctx, cmd_name)
        module, _, function = self.others[cmd_name].partition(":")
        return getattr(import_module(module), function)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command asked for; a mistake is one line, as everywhere."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            there = ", ".join(self.list_commands(ctx))
            raise Misuse(f"{error.format_message()} There are: {there}.") from None
