"""The project's modules as statements: what each binds, means, names, imports and calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from steps.making.meaning import meaning, without_docstring

PACKAGES = ("artifact_units", "steps", "demo")
GETATTR = "__getattr__"  # Python itself calls it
SHELVES = "artifact_units"  # its folders hold methods that are taken by name


@dataclass(frozen=True)
class Alias:
    """What an imported name stands for: a module, or a member of one."""

    module: str
    member: str | None = None


@dataclass
class Statement:
    """A statement of a module, and what it means and names; found out once."""

    node: ast.stmt
    place: int

    @cached_property
    def meaning(self) -> str:
        """See ``meaning``."""
        return meaning(self.node)

    @cached_property
    def names(self) -> set[tuple[str, str | None]]:
        """What it mentions: ``(name, None)``, or ``(name, attribute)`` of what may be a module."""
        owned: set[int] = set()
        found: set[tuple[str, str | None]] = set()
        for node in ast.walk(self.node):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                owned.add(id(node.value))
                found.add((node.value.id, node.attr))
        for node in ast.walk(self.node):
            if isinstance(node, ast.Name) and id(node) not in owned:
                found.add((node.id, None))
        return found

    @cached_property
    def imports(self) -> dict[str, Alias]:
        """The names that import statements inside it bind."""
        return dict(pair for node in ast.walk(self.node) for pair in imported(node))

    @cached_property
    def calls(self) -> set[tuple[str, str | None]]:
        """Functions called with a string first: ``(name of the function, the string)``."""
        found = set()
        for node in ast.walk(self.node):
            if isinstance(node, ast.Call):
                first = node.args[0] if node.args else None
                text = first.value if isinstance(first, ast.Constant) else None
                name = node.func.attr if isinstance(node.func, ast.Attribute) else None
                name = node.func.id if isinstance(node.func, ast.Name) else name
                found.add((name or "", text if isinstance(text, str) else None))
        return found


@dataclass
class Module:
    """A file of the project, by statements."""

    name: str
    path: Path
    bound: dict[str, list[Statement]] = field(default_factory=dict)
    on_import: list[Statement] = field(default_factory=list)
    imports: dict[str, Alias] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, path: Path) -> Module:
        """The module in a file."""
        module = cls(name, path)
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        for place, node in enumerate(without_docstring(tree.body)):
            statement = Statement(node, place)
            if isinstance(node, ast.Import | ast.ImportFrom):
                module.imports |= dict(imported(node))
            elif isinstance(node, ast.If) and _only_for_types(node.test):
                continue
            else:
                bound = list(_bound(node))
                for each in bound:
                    module.bound.setdefault(each, []).append(statement)
                if not bound or GETATTR in bound or _calls(node):
                    module.on_import.append(statement)
                elif decorators := getattr(node, "decorator_list", []):  # they run by themselves
                    wrapped = ast.Expr(ast.Tuple(decorators, ast.Load()))
                    module.on_import.append(Statement(wrapped, -1 - place))
        return module

    @property
    def statements(self) -> list[Statement]:
        """All of them."""
        return [*(s for each in self.bound.values() for s in each), *self.on_import]


def imported(node: ast.AST) -> Iterator[tuple[str, Alias]]:
    """What an import statement binds; nothing of any other node."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            whole = alias.name if alias.asname else alias.name.partition(".")[0]
            yield alias.asname or whole, Alias(whole)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name, Alias(node.module or "", alias.name)


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a statement binds, where binding them is all that it does."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
    if all(isinstance(target, ast.Name) for target in targets):
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def _calls(node: ast.stmt) -> bool:
    """Whether a constant is made by a call, which may do more than make it."""
    constant = isinstance(node, ast.Assign | ast.AnnAssign)
    return constant and any(isinstance(inner, ast.Call) for inner in ast.walk(node))


def _only_for_types(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


class Sources:
    """The project's modules, each read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.known: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """A module by its name; None where the project has none of it."""
        if name not in self.known:
            self.known[name] = self._read(name)
        return self.known[name]

    def _read(self, name: str) -> Module | None:
        if name.partition(".")[0] not in PACKAGES:
            return None
        path = self.root / name.replace(".", "/")
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return Module.read(name, file)
        return None

    def shelf(self, shelf: str) -> list[str]:
        """The methods on a shelf."""
        folder = self.root / SHELVES / shelf
        return sorted(f.stem for f in folder.glob("*.py") if f.stem != "__init__")
