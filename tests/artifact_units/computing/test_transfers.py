from __future__ import annotations

from contextlib import contextmanager
from weakref import ref

import pytest
import torch

from artifact_units.computing.transfers import fetched, sent


def test_batches_come_in_order_and_each_while_the_next_is_under_way() -> None:
    said = []

    def batches():
        for number in range(3):
            said.append(f"computed {number}")
            yield torch.tensor([number])

    for batch in fetched(batches()):
        said.append(f"used {batch.item()}")
    assert said == ["computed 0", "computed 1", "used 0", "computed 2", "used 1", "used 2"]
    assert list(fetched([])) == []


def test_batches_of_several_tensors_keep_their_form() -> None:
    pair = (torch.zeros(2), torch.ones(2))
    assert list(fetched([pair])) == [pair]
    (maps,) = fetched([{"layer1": torch.ones(1)}])
    assert list(maps) == ["layer1"]


def test_a_batch_that_was_used_makes_room_before_the_next_but_one_is_computed() -> None:
    known, alive = [], []

    def batches():
        for number in range(4):
            alive.append([place for place, used in enumerate(known) if used() is not None])
            batch = torch.full((2,), number)
            known.append(ref(batch))
            yield batch
            del batch

    for batch in fetched(batches()):
        del batch
    assert alive == [[], [0], [1], [2]]


def test_an_error_in_a_later_batch_is_not_lost() -> None:
    def batches():
        yield torch.zeros(1)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        list(fetched(batches()))


class Streams:
    """Stands for torch.cuda: says in which order a copy waits for what."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def Stream(self):
        return self

    def Event(self):
        return self

    def current_stream(self) -> str:
        return "what was computed"

    def wait_stream(self, other: str) -> None:
        self.said.append(f"wait for {other}")

    @contextmanager
    def stream(self, _stream):
        self.said.append("copy")
        yield

    def record(self, stream) -> None:
        assert stream is self
        self.said.append("mark the end")

    def synchronize(self) -> None:
        self.said.append("wait for the end")


def test_a_copy_waits_for_its_batch_and_is_waited_for_before_it_is_used(monkeypatch) -> None:
    streams = Streams()
    monkeypatch.setattr(torch, "get_device_module", lambda _device: streams)
    start = ["wait for what was computed", "copy", "mark the end"]
    batches = fetched(iter([torch.zeros(1), torch.zeros(1)]))
    next(batches)
    assert streams.said == [*start, *start, "wait for the end"]
    next(batches)
    assert streams.said == [*start, *start, "wait for the end", "wait for the end"]


def test_on_the_cpu_nothing_is_copied() -> None:
    values = torch.zeros(2)
    assert sent(values, torch.device("cpu")) is values
    assert next(fetched([values])) is values
