"""A method's options, read from the text of its file: nothing heavy is imported."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from artifact_units import registry
from artifact_units.errors import UserError


def options_of(shelf: str, name: str) -> dict[str, tuple[str, Any]]:
    """A method's options from its file's text: name -> (its type as written, its default).

    The default of an option that is needed is ``...``.
    """
    arguments = _function(shelf, name).args
    return {
        argument.arg: (
            ast.unparse(argument.annotation or ast.Name("Any")),
            ... if default is None else _literal(default),
        )
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    }


def edits_latents(corrector: str) -> bool:
    """Whether a corrector's file hands ``Correction`` a ``latent``, which no checkpoint holds."""
    nodes = ast.walk(_tree("correctors", corrector))
    return any(isinstance(node, ast.keyword) and node.arg == "latent" for node in nodes)


def _function(shelf: str, name: str) -> ast.FunctionDef:
    """The function of a method, from its file's text."""
    verb = registry.VERBS[shelf]
    for node in _tree(shelf, name).body:
        if isinstance(node, ast.FunctionDef) and node.name == verb:
            return node
    raise UserError(f"{shelf}/{name}.py has no function {verb!r}, which its shelf calls")


def _tree(shelf: str, name: str) -> ast.Module:
    file = Path(registry.__file__).parent / shelf / f"{name}.py"
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{shelf}/{name}.py is not readable as Python ({error})") from None


def _literal(default: ast.expr) -> Any:
    try:
        return ast.literal_eval(default)
    except ValueError:  # a constant of the file: nothing is known of it
        return None
