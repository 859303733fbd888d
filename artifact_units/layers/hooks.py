"""Reading and editing the layers of a generator inside a ``with``; gone afterwards.

Edits are applied to a layer's output; what is recorded inside an ``edited`` block is edited.
Featuremaps are float32 here, whatever the generator is computed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import torch

from artifact_units.layers.edits import Edit
from artifact_units.layers.generator import Generator
from artifact_units.shapes import Featuremaps, Latents


@contextmanager
def recorded(generator: Generator, layers: Sequence[str]) -> Iterator[dict[str, Featuremaps]]:
    """Within the block, each call of the generator puts its featuremaps here, by layer name."""
    maps: dict[str, Featuremaps] = {}

    def recorder(name: str) -> Callable[..., None]:
        def keep(_module: Any, _inputs: Any, output: Featuremaps) -> None:
            maps[name] = output.float()

        return keep

    with _hooked(generator, {name: recorder(name) for name in layers}):
        yield maps


@contextmanager
def edited(generator: Generator, edits: Mapping[str, Edit]) -> Iterator[None]:
    """Within the block, the output of each named layer goes through its edit.

    What flows into a layer has gone through the edits of the layers before it.
    """

    def editor(edit: Edit) -> Callable[..., Featuremaps]:
        return lambda _module, _inputs, output: edit(output.float()).to(output.dtype)

    with _hooked(generator, {name: editor(edit) for name, edit in edits.items()}):
        yield


@torch.inference_mode()
def featuremaps_of(
    generator: Generator, latents: Latents, layers: Sequence[str]
) -> dict[str, Featuremaps]:
    """The featuremaps of ``layers`` by name; what comes after the last of them is not computed."""

    def stop(*_: Any) -> None:
        raise _EnoughError

    last = [layer.name for layer in generator.layers if layer.name in layers][-1]
    stopping = _hooked(generator, {last: stop})
    with recorded(generator, layers) as maps, stopping, suppress(_EnoughError):
        generator(latents)
    return maps


class _EnoughError(Exception):
    """Ends a forward pass whose rest nobody looks at."""


@contextmanager
def _hooked(generator: Generator, hooks: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
    with ExitStack() as stack:
        for name, hook in hooks.items():
            handle = generator.module(name).register_forward_hook(hook)
            stack.callback(handle.remove)
        yield
