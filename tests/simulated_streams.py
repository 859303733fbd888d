"""The streams of a GPU that is not there: stands for the module ``torch.cuda``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class Stream:
    """Copies to main memory that were begun, each with what will be in it."""

    def __init__(self) -> None:
        self.copies: list[tuple[Tensor, Tensor]] = []
        self.follows = False

    def wait_stream(self, _other: Stream) -> None:
        self.follows = True


class Event:
    """The end of what its stream had been given."""

    def record(self, stream: Stream) -> None:
        self.copies = list(stream.copies)

    def synchronize(self) -> None:
        for copy, values in self.copies:
            copy.copy_(values)


class Streams:
    """What ``torch.get_device_module`` gives; there is no real GPU that could be asked."""

    Stream, Event = Stream, Event

    def __init__(self) -> None:
        self.current = Stream()

    def is_available(self) -> bool:
        return False

    def current_stream(self) -> Stream:
        return self.current

    @contextmanager
    def stream(self, stream: Stream) -> Iterator[None]:
        before, self.current = self.current, stream
        yield
        self.current = before

    def under_way(self, values: Tensor) -> Tensor:
        """A copy that holds zeros until an event behind it was waited for."""
        if not self.current.follows:
            raise RuntimeError("a copy that nobody can wait for, or of what is not there yet")
        copy = torch.zeros_like(values)
        self.current.copies.append((copy, values))
        return copy
