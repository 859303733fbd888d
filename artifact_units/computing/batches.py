"""Computing by batches that fit: halved where a GPU has no room, filled without waste."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor

from artifact_units.errors import UserError
from artifact_units.files.manifests import note

Result = TypeVar("Result")


def batched(
    items: Any, batch: int, work: Callable[[Any], Result], remedy: str = ""
) -> Iterator[Result]:
    """What ``work`` makes of ``items`` (ids, images), at most ``batch`` at once, in order.

    Where a GPU's memory does not suffice, the batch is halved from there on and the manifest says
    so; a UserError with the bytes needed where one at a time is too many. ``remedy`` says which
    parameter to set to what, where one helps.
    """
    start = 0
    while start < len(items):
        part = items[start : start + batch]
        try:
            found = work(part)
        except torch.OutOfMemoryError as error:
            batch = _half(len(part), remedy, error)
            continue  # the error is gone now, and with it what its frames held
        yield found
        start += len(part)


def filled(room: Tensor, parts: Iterable[Tensor]) -> Tensor:
    """``room`` with the parts in it, one after the other.

    Where each part is made from something large, small ones kept between would split the heap.
    """
    start = 0
    for part in parts:
        room[start : start + len(part)] = part
        start += len(part)
    return room


def _half(batch: int, remedy: str, error: torch.OutOfMemoryError) -> int:
    if batch == 1:
        raise _too_large("one image at once", remedy, error)
    note(f"out of memory on the GPU: batches of {batch} were halved to {batch // 2}")
    return batch // 2


@contextmanager
def in_room(what: str, remedy: str) -> Iterator[None]:
    """For what cannot be halved: a UserError with the bytes needed where a GPU has no room.

    ``remedy`` says which parameter to set to what.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise _too_large(what, remedy, error) from None


def _too_large(what: str, remedy: str, error: torch.OutOfMemoryError) -> UserError:
    asked = re.search(r"allocate ([\d.]+) (K|M|G|)i?B", str(error))
    more = float(asked[1]) * 1024 ** " KMG".index(asked[2] or " ") if asked else 0
    need = torch.cuda.memory_allocated() + more  # what this one holds is held still
    ways = ["take a larger GPU", "set run.device to cpu", *filter(None, [remedy])]
    return UserError(
        f"the GPU has no room for {what}, which needs {need / 1e9:.2f} GB; "
        f"{', '.join(ways[:-1])}, or {ways[-1]}"
    )
