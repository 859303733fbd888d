"""docs/steps.md, written from every step's ``--help``; a test keeps the two in step."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

HEAD = """# Steps

Every stage is one command: paths and values in, files out. This page is their `--help`, written by
`make docs`. `dvc.yaml` and `demo/dvc.yaml` hold the lines that run them.
"""


def page(folder: Path) -> str:
    """The page for the steps in ``folder``, in alphabetical order."""
    modules = [importlib.import_module(f"steps.{f.stem}") for f in sorted(folder.glob("[!_]*.py"))]
    steps = [m for m in modules if isinstance(getattr(m, "main", None), click.Command)]
    commands = [named for m in steps for named in _commands(m.__name__, m.main)]
    return "\n".join([HEAD, *(_section(words, command) for words, command in commands)])


def _commands(words: str, command: click.Command) -> list[tuple[str, click.Command]]:
    """A step's command, and where it is a group those in it, each by the words that run it."""
    found = [(words, command)]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            found += _commands(f"{words} {name}", inner) if inner else []
    return found


def _section(words: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"python -m {words}", max_content_width=100)
    context.terminal_width = 100
    return f"## {words.removeprefix('steps.')}\n\n```\n{command.get_help(context)}\n```\n"


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True)
def main(out: Path) -> None:
    """Write the page of all steps."""
    out.write_text(page(Path(__file__).parent.parent / "steps"), encoding="utf-8")


if __name__ == "__main__":
    main()
