"""A checkpoint on disk -> ``Generator``. Our own layout: safetensors with its configuration."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from artifact_units.errors import UserError
from artifact_units.generator import Generator, Layer
from artifact_units.generators.pggan import PGGAN
from artifact_units.storage import whole_file

LAYOUT = "artifact-units"
NOTES = "artifact_units"  # the metadata key of our own files


def load_generator(path: Path | str) -> Generator:
    """Recognise the checkpoint at ``path`` and load it, frozen, on the CPU."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            notes = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise UserError(f"{path}: not a checkpoint that is known ({error})") from None
    if NOTES not in notes:
        raise UserError(f"{path}: a safetensors file without this project's layout")
    network = PGGAN(**json.loads(notes[NOTES])["config"])
    network.load_state_dict(state)
    return as_generator(network)


def as_generator(network: PGGAN) -> Generator:
    """A PGGAN network as a frozen ``Generator``."""
    layers = tuple(
        Layer(name, name, network.get_submodule(name).bias.shape[0], px, px)
        for k, name in enumerate(network.layer_names)
        for px in [4 * 2 ** (k // 2)]
    )
    network.eval().requires_grad_(False)
    return Generator(network, LAYOUT, layers, network.latent_dim, network.image_px)


def save_generator(path: Path, generator: Generator) -> None:
    """Write a generator of our own family in our own layout."""
    network = generator.network
    if not isinstance(network, PGGAN):
        raise UserError(f"{path}: only a PGGAN can be written in the layout {LAYOUT!r}")
    config = {
        "latent_dim": network.latent_dim,
        "widths": [layer.units for layer in generator.layers],
    }
    # One key: safetensors writes several in no fixed order, and the bytes would vary.
    notes = {NOTES: json.dumps({"family": "pggan", "config": config}, sort_keys=True)}
    state = {k: v.contiguous() for k, v in network.state_dict().items()}
    with whole_file(path) as part:
        save_file(state, part, metadata=notes)
