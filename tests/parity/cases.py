"""The golden cases: the whole folder where it lies beside the checkout, else the copy here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from artifact_units.generators import load_generator
from artifact_units.layers.edits import Scale
from artifact_units.layers.generator import Generator

WHOLE = Path(__file__).parents[3] / "shared" / "parity"
FOLDER = WHOLE if WHOLE.is_dir() else Path(__file__).parent / "data"
TRAINING = ("G_best", "G_ep", "state_dict_")  # raw weights and training states, made to be refused


@dataclass(frozen=True)
class Case:
    """One checkpoint and what its own implementation made of it."""

    checkpoint: Path

    def __str__(self) -> str:
        return f"{self.checkpoint.parent.name}-{self.checkpoint.name}"

    def load(self) -> Generator:
        options: dict[str, Any] = {}
        if "fused" in self.checkpoint.parent.name:
            options = {"fused_scale": True}
        if self.checkpoint.name == "G_ema_state_dict.pt":
            options = {"conv_clamp": 256}
        return load_generator(self.checkpoint, **options)

    def inputs(self) -> tuple[Tensor, dict[str, Any]]:
        """Latents ``[batch, latent_dim]``; classes and truncation where the case has them."""
        found = np.load(self.checkpoint.with_name("inputs.npz"))
        given: dict[str, Any] = {}
        if "y" in found:
            given["classes"] = torch.from_numpy(found["y"])
        if "truncation" in found:
            given["truncation"] = float(found["truncation"])
        return torch.from_numpy(found["z"]).flatten(1), given

    def expected(self) -> dict[str, Tensor]:
        found = np.load(self.checkpoint.with_name("expected.npz"))
        return {key: torch.from_numpy(found[key]) for key in found.files}

    def edits(self) -> dict[str, dict[str, Scale]]:
        """Edits by id and the peer's own module name."""
        text = self.checkpoint.with_name("edits.json").read_text()
        return {
            name: {
                module: Scale(tuple(e["units"]), (e["scale"],) * len(e["units"]))
                for module, e in edits.items()
            }
            for name, edits in json.loads(text).items()
        }


def cases() -> list[Case]:
    """Every checkpoint in a folder that has an expected.npz."""
    return [
        Case(file)
        for folder in sorted(FOLDER.iterdir())
        if (folder / "expected.npz").is_file()
        for file in sorted(folder.iterdir())
        if file.suffix in (".pth", ".pt", ".pkl", ".bin") and not file.name.startswith(TRAINING)
    ]


def name_of(generator: Generator, module: str) -> str | None:
    """Our name for the peer's module; None for what has none here (a step inside a layer)."""
    for layer in generator.layers:
        if layer.module == module:
            return layer.name
    if module in generator.inner or module in [layer.name for layer in generator.layers]:
        return module
    return None


@contextmanager
def outputs(generator: Generator, names: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """What modules give within the block; unlike ``recorded``, of any number of axes."""
    found: dict[str, Tensor] = {}

    def keeper(name: str) -> Any:
        def keep(_module: Any, _inputs: Any, output: Tensor) -> None:
            found[name] = output

        return keep

    handles = [generator.module(n).register_forward_hook(keeper(n)) for n in names]
    yield found
    for handle in handles:
        handle.remove()


def fits(found: Tensor, wanted: Tensor) -> bool:
    """Within the tolerance between independent implementations."""
    found = found.reshape(wanted.shape)
    return torch.allclose(found, wanted, atol=2e-5, rtol=1e-4)
