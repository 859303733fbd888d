"""Reading and editing the layers of a generator inside a ``with``; gone afterwards.

Edits are applied to a layer's output; what is recorded inside an ``edited`` block is edited.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from torch import Tensor

from artifact_units.edits import Edit
from artifact_units.generator import Generator


@contextmanager
def recorded(generator: Generator, layers: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Within the block, each call of the generator puts its featuremaps here, by layer name."""
    maps: dict[str, Tensor] = {}

    def recorder(name: str):
        def keep(_module, _inputs, output):
            maps[name] = output

        return keep

    with ExitStack() as stack:
        for name in layers:
            handle = generator.module(name).register_forward_hook(recorder(name))
            stack.callback(handle.remove)
        yield maps


@contextmanager
def edited(generator: Generator, edits: Mapping[str, Edit]) -> Iterator[None]:
    """Within the block, the output of each named layer goes through its edit."""

    def editor(edit: Edit):
        return lambda _module, _inputs, output: edit(output)

    with ExitStack() as stack:
        for name, edit in edits.items():
            handle = generator.module(name).register_forward_hook(editor(edit))
            stack.callback(handle.remove)
        yield
