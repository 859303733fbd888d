"""Which code a command reaches: by name, from statement to statement, through imports and shelves.

A module's functions, classes and constants count where something that counts names them; what runs
when a module is imported counts wherever the module is imported. So a change is seen by the stages
that run it, and by no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from steps.making.modules import SHELVES, Alias, Module, Sources, Statement

TAKE = {"take", "check_options"}  # functions of the registry: one method, by its name
ALL = {"names", "declared"}  # of the registry, too: every method
REGISTRY = "artifact_units.registry"
DYNAMIC = "import_module"
BY_OPTION = {REGISTRY, "steps.making.groups"}  # what these import by name is found by other rules
WHOLE = "*"
ON_IMPORT = ""


class Closure:
    """The statements that a command reaches; ``named`` are the words in the values it is given."""

    def __init__(self, sources: Sources, named: Iterable[str] = ()) -> None:
        self.sources = sources
        self.named = frozenset(named)
        self.reached: dict[str, dict[int, Statement]] = {}
        self.used: dict[str, dict[str, Alias]] = {}
        self.seen: set[tuple[str, str]] = set()
        self.waiting: list[tuple[str, str]] = []

    def follow(self, name: str, member: str = WHOLE) -> None:
        """Reach a member of a module, or all of it, and everything that rests on."""
        self._want(name, member)
        while self.waiting:
            self._visit(*self.waiting.pop())

    def fingerprint(self) -> str:
        """The sha256 of what was reached: of code the meaning, of data beside it the bytes."""
        found = hashlib.sha256()
        for name in sorted(self.reached):
            for alias, meant in sorted(self.used.get(name, {}).items()):
                found.update(f"{name} {alias} {meant}\n".encode())
            for place in sorted(self.reached[name]):
                found.update(f"{name} {self.reached[name][place].meaning}\n".encode())
        for path in self.data():
            found.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
        return found.hexdigest()

    def files(self) -> list[Path]:
        """The source files that hold what was reached."""
        modules = (self.sources.module(name) for name in self.reached)
        return sorted(module.path for module in modules if module)

    def data(self) -> list[Path]:
        """Pages, scripts and styles that lie beside the code in a room of its own."""
        folders = {path.parent for path in self.files() if path.parent.parent != self.sources.root}
        beside = (file for folder in folders for file in folder.iterdir() if file.is_file())
        return sorted(file for file in beside if file.suffix not in (".py", ".pyc"))

    def _want(self, name: str, member: str) -> None:
        """Note a member of a module, and that the module and its packages are imported."""
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            self._note(".".join(parts[:depth]), ON_IMPORT)
        self._note(name, member)

    def _note(self, name: str, member: str) -> None:
        if (name, member) not in self.seen:
            self.seen.add((name, member))
            self.waiting.append((name, member))

    def _visit(self, name: str, member: str) -> None:
        module = self.sources.module(name)
        if module is None:
            return
        self.reached.setdefault(name, {})
        if member == ON_IMPORT:
            for alias in module.imports.values():
                self._import(alias)
            statements = module.on_import
        elif member == WHOLE:
            statements = module.statements
        elif member in module.bound:
            statements = module.bound[member]
        elif member in module.imports:
            self._reach(module.imports[member])
            return
        else:  # made on the spot by the module: anything may be
            statements = module.statements
        for statement in statements:
            if statement.place not in self.reached[name]:
                self.reached[name][statement.place] = statement
                self._follow(module, statement)

    def _follow(self, module: Module, statement: Statement) -> None:
        known = {**module.imports, **statement.imports}
        for alias in statement.imports.values():
            self._import(alias)
        for name, attribute in statement.names:
            if name in known:
                self.used.setdefault(module.name, {})[name] = known[name]
                self._reach(known[name], attribute)
            elif name in module.bound:
                self._note(module.name, name)
        self._follow_shelves(module, statement, known)

    def _import(self, alias: Alias) -> None:
        """A module that is imported runs, whatever of it is used."""
        inner = f"{alias.module}.{alias.member}"
        found = alias.member is not None and self.sources.module(inner)
        self._want(inner if found else alias.module, ON_IMPORT)

    def _reach(self, alias: Alias, attribute: str | None = None) -> None:
        """Reach what a name stands for, or an attribute of it where that is a module."""
        inner = alias.module if alias.member is None else f"{alias.module}.{alias.member}"
        if self.sources.module(inner):
            self._want(inner, attribute or WHOLE)
        elif alias.member is not None:
            self._want(alias.module, alias.member)

    def _follow_shelves(
        self, module: Module, statement: Statement, known: Mapping[str, Alias]
    ) -> None:
        """Methods are imported by name: those that the values name, or all that there are."""
        for function, text in statement.calls:
            if function == DYNAMIC and module.name not in BY_OPTION:
                self._follow_folder(module)
            elif function in TAKE | ALL and text and (self.sources.root / SHELVES / text).is_dir():
                there = self.sources.shelf(text)
                named = self.named.intersection(there) if function in TAKE else ()
                for method in named or there:
                    self._want(f"{SHELVES}.{text}.{method}", WHOLE)

    def _follow_folder(self, module: Module) -> None:
        """A module that imports its neighbours by name rests on all of them."""
        package = module.name if module.path.stem == "__init__" else module.name.rpartition(".")[0]
        for file in sorted(module.path.parent.glob("*.py")):
            self._want(f"{package}.{file.stem}" if file.stem != "__init__" else package, WHOLE)
