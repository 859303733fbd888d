"""What a user's mistake raises: one line that says what is wrong, what there is, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in what was asked or given; steps print it as one line and exit with 1."""


SHOWN = 60  # characters of a value in a message
LISTED = 20  # names of what there is


def shown(value: object) -> str:
    """A value as a message quotes it, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # a whole number of more digits than Python spells
        text = f"a value of type {type(value).__name__} with thousands of digits"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def yaml_problem(error: Exception) -> str:
    """What a YAML reader found, and in which line where it knows."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    line = f"line {mark.line + 1}: " if mark else ""
    return line + (problem or "not readable as YAML").splitlines()[0]


def did_you_mean(name: str, known: Iterable[str], within: str = "") -> str:
    """``did you mean 'x'?``, or the list of what there is where nothing is near.

    ``within`` is the dotted place of ``name``, where it is a key: ``did you mean within.x?``
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {f'{within}.{near[0]}' if within else repr(near[0])}?"
    if len(names) > LISTED:
        return f"there is {', '.join(names[:LISTED])}, … ({len(names)} in all)"
    return "there is " + (", ".join(names) if names else "nothing to choose from")
