"""Placeholders for harmless values that lie beside weights: a date, a path, a number of NumPy's.

A pickle names what it would call to make a value. Nothing but tensors and plain containers is ever
made: any other name is answered by a class of its own from here, which keeps what it is given and
does nothing; the real one is neither imported nor called. A name that no honest checkpoint needs
(a function of the standard library, say) is refused, since such a file was not made to be read.
"""

from __future__ import annotations

import re
import sys
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

SPACE = "inert"  # the module that placeholders say they are of

# What may be named of modules that could do harm: classes of values, and how NumPy makes its own.
VALUES = re.compile(
    r"argparse\.Namespace|types\.SimpleNamespace|typing\.\w+|uuid\.UUID|zoneinfo\.ZoneInfo(\._unpickle)?"
    r"|collections\.(OrderedDict|defaultdict|Counter|deque)|datetime\.\w+|pathlib\.(_local\.)?\w*Path"
    r"|copyreg\._reconstructor|functools\.partial|decimal\.Decimal|fractions\.Fraction|http\.HTTPStatus|time\.struct_time"
    r"|builtins\.(set|frozenset|list|dict|tuple|int|float|str|bool|complex|bytes|bytearray|slice|range|object)"
    r"|numpy\.(_?core\.multiarray\.(scalar|_reconstruct)|_?core\.numeric\._frombuffer)"
    r"|numpy\.(ndarray|dtype|dtypes\.\w+|bool_?|u?int\d+|float\d+|complex\d+|str_|longlong|intc)"
    r"|numpy\.random\.(_pickle\.\w+|\w+\.[A-Z]\w*)"
    r"|torch\.torch_version\.TorchVersion|torch\.(optim|nn)\.[\w.]*\b_?[A-Z]\w*"
    r"|torch\.nn\.(functional|init)\.\w+|torch\._C\._nn\.\w+|torch\.distributed\.[\w.]*\b[A-Z]\w*"
)
CLASS = re.compile(r"(\w+\.)+_?[A-Z]\w*")  # of the user's own or of another package
WATCHED = {*sys.stdlib_module_names, "numpy", "torch", "__builtin__", "pip", "setuptools"}
WATCHED |= {"pkg_resources", "dill", "cloudpickle", "joblib", "nt", "posix"}
WATCHED -= {"__main__"}


class Inert(dict):
    """What a pickle says of a value that is not made: its class's name, arguments, state, items."""

    asked = ""  # the name in the pickle
    given: tuple[Any, ...] = ()
    state: Any = None

    def __new__(cls, *given: Any, **_named: Any) -> Any:
        made = super().__new__(cls)
        made.given = given
        return made

    def __init__(self, *_given: Any, **_named: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def append(self, item: Any) -> None:
        """As a list is filled."""
        self[len(self)] = item

    def extend(self, items: Any) -> None:
        """As a list is filled."""
        for item in items:
            self.append(item)

    # It may be a key: an Enum's member.
    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


def placeholder(asked: str) -> type[Inert] | None:
    """A class that stands for the name that a pickle asks for; None where it is no plain value."""
    watched = asked.partition(".")[0] in WATCHED
    if not (VALUES if watched else CLASS).fullmatch(asked):
        return None
    return type(asked, (Inert,), {"asked": asked, "__module__": SPACE, "__qualname__": asked})


def as_items(kind: type[Inert]) -> type[Inert]:
    """The same for a class of dictionaries, whose items a reader fills into a plain one."""

    def __new__(_cls: type, *_given: Any, **_named: Any) -> Any:
        return OrderedDict()

    return type(kind.asked, (kind,), {"__new__": __new__, "__module__": SPACE})


def kind_of(value: Any) -> str:
    """The name of a value's class, as its file says it."""
    return value.asked if is_inert(value) else type(value).__name__


def text_of(key: Any) -> str:
    """A key of a dictionary as a message can print it, on one line."""
    if isinstance(key, str | int | float | None):
        text = str(key).encode("utf-8", "replace").decode()
        return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", "?", text)
    return kind_of(key)


def is_inert(value: Any) -> bool:
    """Whether it stands for a value that was not made (or for its class)."""
    return isinstance(value, Inert) or (isinstance(value, type) and issubclass(value, Inert))


def is_module(value: Any) -> bool:
    """Whether it stands for a whole ``torch.nn.Module``."""
    said = fields(value)
    return isinstance(value, Inert) and "_modules" in said and "_parameters" in said


def fields(value: Any) -> Mapping[str, Any]:
    """The named parts of a dictionary, of a namespace or of an object that was not made."""
    if isinstance(value, Inert) and isinstance(value.state, dict):
        return value.state
    if isinstance(value, Mapping):
        return value
    return vars(value) if hasattr(value, "__dict__") and not isinstance(value, type) else {}


def whole_module(value: Any) -> str:
    """What is said of a network that was pickled as an object."""
    return (
        f"a whole pickled module ({kind_of(value)}), whose own code alone can make it; "
        "save its state_dict() and give that"
    )
