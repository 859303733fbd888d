"""What code means, as text: its syntax tree, without comments, docstrings and layout.

Equal under every Python that this project runs on: fields that are empty, or that one version has
and another has not, say nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

SILENT = {"ctx", "kind", "type_comment", "type_params", "type_ignores"}
SCOPES = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def meaning(node: ast.AST) -> str:
    """The text of a syntax tree; two trees that do the same work step by step have the same."""
    return "".join(_said(node))


def _said(value: object) -> Iterator[str]:
    if isinstance(value, ast.AST):
        yield f"({type(value).__name__}"
        for name in value._fields:
            held = getattr(value, name, None)
            if isinstance(value, SCOPES) and name == "body":
                held = without_docstring(value.body)
            if name not in SILENT and held is not None and held != []:
                yield f" {name}"
                yield from _said(held)
        yield ")"
    elif isinstance(value, list):
        yield "["
        for item in value:
            yield from _said(item)
        yield "]"
    else:
        yield f"={type(value).__name__}:{value!r}"


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a scope but for a string that stands first."""
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return body[1:] if isinstance(first.value.value, str) else body
    return body
