"""Whether a pickle may be opened: its opcodes are read before any is obeyed.

What it would build is drawn as a graph of nodes, by the stack effects that ``pickletools`` lists;
nothing is imported or called. Refused are pickles whose reading would cost more than they hold:
memo places beyond the file, deep nesting, structure that grows by sharing, things that hold
themselves, keys that take long to hash, tensors of more values than their storage has. The limits
follow the pickle's own length: a large checkpoint passes, nine bytes cannot ask for gigabytes.
"""

from __future__ import annotations

import io
import math
import pickletools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artifact_units.errors import UserError

OPCODES = 2_000_000  # a checkpoint of ten thousand tensors has some 500,000
DEEPEST = 200  # levels of nesting; modules within modules have some forty
SHARED = 1_000_000  # nodes of a tree with all sharing written out, beyond 64 for each opcode
KEY = 64  # values in a tuple that is a key
SPREAD = 65_536  # values of a tensor beyond those of its storage (a bias spread over an axis)
TENSORS = {"_rebuild_tensor_v2", "_rebuild_tensor"}
HASHING = {"set", "frozenset", "Counter"}
ATOMS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "STRING", "BINSTRING"}
ATOMS |= {"SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "NONE", "NEWTRUE"}
ATOMS |= {"NEWFALSE", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "FLOAT"}
ATOMS |= {"BINFLOAT"}
TUPLES = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_TUPLE"}
ADDING = {"APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD"}
PUTS = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
GETS = {"GET", "BINGET", "LONG_BINGET"}
Opened = io.BytesIO | io.BufferedReader
LARGE = 256  # bytes of a text that the judge keeps


class Refused(UserError):
    """Why a pickle is not opened."""


@dataclass(eq=False, slots=True)
class Node:
    """Something that a pickle would build: by which opcode, of what, out of which others."""

    by: str
    value: Any = None  # of an atom or a global
    parts: list[Node] = field(default_factory=list)


def judge(file: Opened, size: int) -> Node:
    """The root of what the next pickle in ``file`` of ``size`` bytes would build, or Refused."""
    stack, memo, count = [], {}, 0
    try:
        for opcode, argument, _ in pickletools.genops(file):
            _obey(opcode, argument, stack, memo, size)
            count += 1
            if count > OPCODES:
                raise Refused(f"its pickle has more than {OPCODES} operations")
    except (ValueError, IndexError, KeyError, OverflowError, MemoryError) as error:
        raise Refused(
            f"not a readable checkpoint: its pickle is damaged ({error or type(error).__name__})"
        ) from None
    if len(stack) != 1 or stack[0] is None:
        raise Refused(
            "not a readable checkpoint: its pickle is damaged (it leaves no single object)"
        )
    _check_graph(stack[0], SHARED + 64 * count)
    return stack[0]


def _obey(opcode: Any, argument: Any, stack: list, memo: dict[int, Node], size: int) -> None:
    """One opcode's effect on the stack of nodes; None marks a place in it."""
    name = opcode.name
    if name in ("PROTO", "FRAME", "STOP"):
        return
    if name == "MARK":
        stack.append(None)
    elif name in PUTS:
        place = len(memo) if name == "MEMOIZE" else int(argument)
        if not 0 <= place <= size:
            raise Refused(f"its pickle asks for {place} places of memory, it has {size} bytes")
        memo[place] = _top(stack)
    elif name in GETS:
        stack.append(memo[int(argument)])
    elif name == "DUP":
        stack.append(_top(stack))
    elif name == "POP":
        stack.pop()
    elif name == "POP_MARK":
        _to_mark(stack)
    elif name in ADDING:
        parts = (
            _to_mark(stack) if name[-1] == "S" else _popped(stack, 2 if name == "SETITEM" else 1)
        )
        _add(name, _top(stack), parts)
    else:
        stack.append(_made(opcode, argument, stack))


def _made(opcode: Any, argument: Any, stack: list) -> Node:
    """What an opcode makes of what it takes off the stack."""
    takes = [kind.name for kind in opcode.stack_before]
    parts = _to_mark(stack) if "mark" in takes else _popped(stack, len(takes))
    name = opcode.name
    if name in ATOMS:
        return Node("atom", argument if _is_short(argument) else None)
    if name == "DICT":
        _check_keys(parts[::2])
    if name == "FROZENSET":
        _check_keys(parts)
    if name == "STACK_GLOBAL":
        return Node("GLOBAL", f"{parts[0].value} {parts[1].value}")
    found = Node(
        "TUPLE" if name in TUPLES else name, argument if _is_short(argument) else None, parts
    )
    if name == "REDUCE":
        _check_call(found)
    return found


def _add(name: str, to: Node, parts: list[Node]) -> None:
    if name.startswith("SETITEM"):
        _check_keys(parts[::2])
    if name == "ADDITEMS":
        _check_keys(parts)
    to.parts.extend(parts)


def _check_keys(keys: Iterable[Node]) -> None:
    for key in keys:
        if key.by == "TUPLE" and (len(key.parts) > KEY or any(p.parts for p in key.parts)):
            raise Refused("its pickle has a key that is built of others")


def _check_call(call: Node) -> None:
    """A UserError where a call would take long, or read a tensor beyond its storage."""
    function, arguments = call.parts
    name = str(function.value).rpartition(" ")[2]
    if name in HASHING:
        _check_keys(part for argument in arguments.parts for part in argument.parts)
    if name in TENSORS and len(arguments.parts) >= 4:
        storage, offset, shape, steps = arguments.parts[:4]
        there = _values_of(storage)
        if there is not None:
            sides = ([part.value for part in node.parts] for node in (shape, steps))
            check_tensor(there, offset.value, *sides)


def check_tensor(there: int, offset: Any, shape: Sequence[Any], steps: Sequence[Any]) -> None:
    """Refused where a tensor reads beyond its storage of ``there`` values, or is far larger."""
    numbers = [offset, *shape, *steps]
    if not all(type(n) is int and n >= 0 for n in numbers) or len(shape) != len(steps):
        raise Refused("a tensor in it has no size and stride that fit together")
    values = math.prod(shape)
    last = offset + sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
    if values and last >= there:
        raise Refused(f"a tensor in it reads value {last + 1} of a storage of {there}")
    if values > there + SPREAD:
        raise Refused(f"a tensor in it spreads {there} values over {values}")


def _values_of(storage: Node) -> int | None:
    """How many values a storage of torch's has by its persistent id; None of other ones."""
    if not storage.by.endswith("PERSID") or not storage.parts:
        return None
    fields = storage.parts[0].parts
    count = fields[4].value if len(fields) > 4 else None
    if type(count) is not int or count < 0:
        raise Refused("a storage in it has no length")
    return count


def _check_graph(root: Node, most: int) -> None:
    """Refused where the tree below is too deep, too large with its sharing, or holds itself."""
    done: dict[int, tuple[int, int]] = {}  # node -> its depth, its size written out
    open_now: set[int] = set()
    waiting = [(root, False)]
    while waiting:
        node, seen = waiting.pop()
        key = id(node)
        if seen:
            open_now.discard(key)
            below = [done[id(part)] for part in node.parts]
            depth = 1 + max((d for d, _ in below), default=0)
            written = 1 + sum(w for _, w in below)
            if depth > DEEPEST:
                raise Refused(f"its pickle nests more than {DEEPEST} levels deep")
            if written > most:
                raise Refused("its pickle grows without end by what it shares")
            done[key] = depth, written
        elif key in open_now:
            raise Refused("its pickle has something that holds itself")
        elif key not in done:
            open_now.add(key)
            waiting.append((node, True))
            waiting.extend((part, False) for part in node.parts if id(part) not in done)


@contextmanager
def refused_by(path: Path) -> Iterator[None]:
    """A refusal as a UserError that names the file."""
    try:
        yield
    except Refused as refusal:
        raise UserError(f"{path}: {refusal}") from None


def nodes(root: Node) -> Iterator[Node]:
    """Every node below and with ``root``, once each."""
    known, waiting = {id(root)}, [root]
    while waiting:
        node = waiting.pop()
        yield node
        fresh = [part for part in node.parts if id(part) not in known]
        known.update(map(id, fresh))
        waiting.extend(fresh)


def _is_short(argument: Any) -> bool:
    return not isinstance(argument, str | bytes | bytearray) or len(argument) <= LARGE


def _top(stack: list) -> Node:
    if stack[-1] is None:
        raise ValueError("a mark where an object should be")
    return stack[-1]


def _popped(stack: list, number: int) -> list[Node]:
    parts = stack[len(stack) - number :] if number else []
    if len(parts) < number or None in parts:
        raise ValueError("too little on its stack")
    del stack[len(stack) - number :]
    return parts


def _to_mark(stack: list) -> list[Node]:
    parts: list[Node] = []
    while (found := stack.pop()) is not None:
        parts.append(found)
    return parts[::-1]
