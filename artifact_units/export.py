"""A corrected checkpoint: edits folded into the weights where that is exact, else carried along.

Folded, it is a file of the layout that it came in, which the user's own code loads and which costs
nothing more to run. Where no weight can hold an edit exactly, the file is of our own layout, with
the edits as multipliers. Whatever is written is loaded again and held against the edited run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from artifact_units.checkpoints import Checkpoint, State, read_checkpoint
from artifact_units.edits import Scale, revive
from artifact_units.errors import UserError
from artifact_units.generator import Generator
from artifact_units.generators import foreign, load_generator, own, recognise
from artifact_units.hooks import edited
from artifact_units.latents import LABELLED, latents_of
from artifact_units.layouts import Fold, NotExact
from artifact_units.storage import whole_file

CHECKED = 4  # generations that the written file is held against
EXACT = 1e-4  # largest difference, in the signed range, that rounding may make


@dataclass(frozen=True)
class Exported:
    """What was written, why so, and how far it is from the edited run (signed range)."""

    path: Path
    layout: str
    why: str
    largest: float
    mean: float


def read_corrections(path: Path, repeat: int = 0) -> dict[str, Scale]:
    """The edits of one repeat in an ``edits.json``: a list over repeats, or one repeat alone."""
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not readable as corrections ({error})") from None
    repeats = described if isinstance(described, list) else [described]
    if not 0 <= repeat < len(repeats):
        raise UserError(f"{path}: holds no repeat {repeat}; it has {len(repeats)}")
    if not isinstance(repeats[repeat], dict):
        raise UserError(f"{path}: not corrections: layers and their edits")
    return revive(repeats[repeat])


def export(
    path: Path, edits: Mapping[str, Scale], out: Path, *, rough: bool = False, **options: Any
) -> Exported:
    """Write the generator at ``path``, corrected, to ``out``; nothing where it does not agree.

    ``rough`` asks for a fold that is not exact (StyleGAN2), whose error is then measured.
    ``out`` without a suffix gets that of what is written: the checkpoint's own, or .safetensors.
    ``options`` are those of ``load_generator``. A ``.yaml`` file stands for what it names, with
    its options; the class that it chooses is no part of a checkpoint, so all classes are kept.
    """
    if path.suffix in foreign.SUFFIXES:
        said = foreign.read_description(path)
        path, options = Path(said["generator"]), {**(said.get("options") or {}), **options}
    generator = load_generator(path, **options)
    edits = _checked(edits, generator)
    with whole_file(out) as part:
        layout, why = _write(path, generator, edits, part, rough)
        same = generator.options if layout == generator.layout else {}
        largest, mean = difference(generator, edits, load_generator(part, **same))
        if largest > EXACT and not rough:
            raise UserError(f"{out}: not written: it would differ by {largest:.2g} ({why})")
        suffix = _suffix(path, part)
        if out.suffix == ".safetensors" != suffix:  # torch takes a file's kind from its name
            raise UserError(f"{out}: not written: it is a torch file; name it {out.stem}{suffix}")
    if not out.suffix:
        out = out.rename(out.with_suffix(suffix))
    return Exported(out, layout, why, largest, mean)


@torch.inference_mode()
def difference(
    generator: Generator, edits: Mapping[str, Scale], written: Generator
) -> tuple[float, float]:
    """Largest and mean absolute difference of ``written`` to the edited run, on a few latents."""
    latents = latents_of(range(LABELLED, LABELLED + CHECKED), generator.latent_dim)
    classes = torch.arange(CHECKED) % generator.classes if generator.classes else None
    with edited(generator, edits):
        wanted = generator(latents, classes)
    gap = (written(latents, classes) - wanted).abs()
    return gap.max().item(), gap.mean().item()


def _suffix(path: Path, written: Path) -> str:
    """What the name of the file written should end in."""
    if read_checkpoint(written).kind == "safetensors":
        return ".safetensors"
    return path.suffix if path.suffix in (".pth", ".pt", ".bin") else ".pth"


def _checked(edits: Mapping[str, Scale], generator: Generator) -> dict[str, Scale]:
    out = {}
    for name, edit in edits.items():
        layer = generator.layer(name)
        if not isinstance(edit, Scale):
            raise UserError(f"{name}: an edit of kind {type(edit).__name__} cannot be written")
        strangers = [unit for unit in edit.units if not 0 <= unit < layer.units]
        if strangers:
            raise UserError(f"{name} has units 0 … {layer.units - 1}; no unit {strangers[0]}")
        out[layer.name] = edit
    return out


def _write(
    path: Path, generator: Generator, edits: dict[str, Scale], part: Path, rough: bool
) -> tuple[str, str]:
    """Write ``part``; the layout that it is of, and why."""
    try:
        if not path.is_file():
            raise NotExact("it is no checkpoint file")
        checkpoint = read_checkpoint(path)
        if own.NOTES in checkpoint.metadata:
            own.save_folded(part, generator, edits)
            return generator.layout, "folded exactly"
        layout, state = recognise(checkpoint)
        fold: Fold = layout.fold
        if rough:
            if layout.rough is None:
                raise NotExact(f"{layout.name} has no approximate fold")
            fold = layout.rough
        _save(part, checkpoint, state, fold(state.tensors, generator, edits))
    except NotExact as reason:
        own.save_generator(part, generator, edits)
        return own.OWN, f"edits as multipliers, since {reason}"
    how = "folded approximately" if rough else "folded exactly"
    return layout.name, f"{how}; {layout.told}" if layout.told else how


def _save(part: Path, checkpoint: Checkpoint, state: State, tensors: Mapping[str, Tensor]) -> None:
    """The file again, with other tensors for the generator; the rest of it as it was."""
    tensors = {state.prefix + key: value.contiguous() for key, value in tensors.items()}
    if checkpoint.kind == "safetensors":
        save_file(tensors, part, metadata=checkpoint.metadata or None)
        return
    tree: dict[str, Any] = tensors
    # A pickle's embedded source is not kept, so its generator is written as a bare state dict.
    place = () if checkpoint.kind == "pickle" else state.place
    for depth in reversed(range(len(place))):
        around: Any = checkpoint.tree
        for key in place[:depth]:
            around = around[key]
        tree = {**around, place[depth]: tree}
    # Through a file object: given a path, torch would write its name into the file.
    with part.open("wb") as file:
        torch.save(tree, file)
