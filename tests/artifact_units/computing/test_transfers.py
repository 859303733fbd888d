from __future__ import annotations

from weakref import ref

import pytest
import torch
from simulated_gpu import GPU, simulated_gpu

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


def test_a_copy_waits_for_its_batch_and_is_waited_for_before_it_is_used() -> None:
    """Until then a copy holds zeros; one that follows nothing is refused (``simulated_gpu``)."""
    with simulated_gpu() as gpu:
        there = [torch.full((1,), n + 1).to(GPU) for n in range(3)]
        gpu.waits.clear()
        assert [batch.tolist() for batch in fetched(there)] == [[1], [2], [3]]
        assert gpu.waits == []  # but for an event


def test_on_the_cpu_nothing_is_copied() -> None:
    values = torch.zeros(2)
    assert sent(values, torch.device("cpu")) is values
    assert next(fetched([values])) is values
