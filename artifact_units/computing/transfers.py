"""Copies between main memory and a device, for which the host does not wait.

On a GPU they go through pinned memory, those from it on a stream of their own: while a batch is
on its way, the next is computed and the one before is used. On the CPU nothing is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

Batch = TypeVar("Batch")  # a tensor, or a list or dict of them


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on ``device``; what is computed from it there waits for it, the host does not."""
    if device.type == "cpu":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def fetched(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The batches in main memory, in order; one is copied while the next is computed."""
    under_way: Callable[[], Batch] | None = None
    for batch in batches:
        before, under_way = under_way, _started(batch)
        del batch  # as soon as it has arrived, it makes room for the next
        if before is not None:
            yield before()
        before = None
    if under_way is not None:
        yield under_way()


def _started(batch: Batch) -> Callable[[], Batch]:
    """Start copying; the function waits for the end of it, and until then keeps the original."""
    device = tree_leaves(batch)[0].device
    streams = torch.get_device_module(device)
    stream, done = streams.Stream(), streams.Event()
    stream.wait_stream(streams.current_stream())
    with streams.stream(stream):
        copy = tree_map(lambda t: t.to("cpu", non_blocking=True), batch)
        done.record(stream)

    def arrived(_original: Batch = batch) -> Batch:
        done.synchronize()
        return copy

    return arrived
