"""A corrected checkpoint: edits folded into the weights where that is exact, else carried along.

Folded, it is a file of the layout that it came in, which the user's own code loads and which costs
nothing more to run. Where no weight can hold an edit exactly (none can clip), the file is of our
own layout, which makes the edits as it runs. Whatever is written is loaded again and held against
the edited run.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from artifact_units.corrections.correction import read_corrections
from artifact_units.errors import UserError
from artifact_units.files.checkpoints import read_checkpoint
from artifact_units.files.states import State, is_alone, write_state
from artifact_units.files.storage import whole_file
from artifact_units.generators import WEIGHTS, foreign, load_generator, own, recognise
from artifact_units.generators.recognition import listed
from artifact_units.images.latents import LABELLED, latents_of
from artifact_units.layers.edits import Edit, Scale, check_edit
from artifact_units.layers.generator import Generator
from artifact_units.layers.hooks import edited
from artifact_units.layers.layouts import Fold, NotExact

CHECKED = 4  # generations that the written file is held against
EXACT = 1e-4  # largest difference, in the signed range, that rounding may make


@dataclass(frozen=True)
class Exported:
    """What was written, why so, and how far it is from the edited run (signed range).

    ``rest``: in a file of the checkpoint's own layout, what was changed and what else lies in it.
    """

    path: Path
    layout: str
    why: str
    largest: float
    mean: float
    rest: str = ""


def read_edits(path: Path, repeat: int = 0) -> Mapping[str, Edit]:
    """The edits by layer of one repeat of an ``edits.json``.

    A UserError where there is more to the correction: what is done to latents, or asked of the
    classifier, is no part of a generator.
    """
    correction = read_corrections(path, repeat)
    if correction.gate:
        raise UserError(
            f"{path}: its gate needs the classifier, which no checkpoint holds; "
            "export a correction without one"
        )
    if correction.latent is not None:
        raise UserError(
            f"{path}: edits latents, not layers; give the generator latents so edited "
            "(artifact_units.layers.latent_edits)"
        )
    return correction.layers


def export(
    path: Path, edits: Mapping[str, Edit], out: Path, rough: bool = False, /, **options: Any
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
        written = _write(path, generator, edits, part, rough)
        largest, mean = _against(part, written, generator, edits)
        if largest > EXACT and not rough:  # a deep network amplifies how folded weights round
            own.save_generator(part, generator, edits)
            written = _carried(f"folded it differs by {largest:.2g}")
            largest, mean = _against(part, written, generator, edits)
        if largest > EXACT and not rough:
            raise UserError(f"{out}: not written: it would differ by {largest:.2g} ({written.why})")
        suffix = _suffix(path, part)
        if out.suffix == ".safetensors" != suffix:  # torch takes a file's kind from its name
            raise UserError(f"{out}: not written: it is a torch file; name it {out.stem}{suffix}")
    if not out.suffix:
        out = out.rename(out.with_suffix(suffix))
    return Exported(out, written.layout, written.why, largest, mean, written.rest)


@dataclass(frozen=True)
class _Written:
    """Of the file just written: its layout, why that, what else it holds, how to load it."""

    layout: str
    why: str
    rest: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def _carried(reason: object) -> _Written:
    return _Written(own.OWN, f"edits made as it runs, since {reason}")


@torch.inference_mode()
def difference(
    generator: Generator, edits: Mapping[str, Edit], written: Generator
) -> tuple[float, float]:
    """Largest and mean absolute difference of ``written`` to the edited run, on a few latents."""
    latents = latents_of(range(LABELLED, LABELLED + CHECKED), generator.latent_dim)
    classes = torch.arange(CHECKED) % generator.classes if generator.classes else None
    with edited(generator, edits):
        wanted = generator(latents, classes)
    gap = (written(latents, classes) - wanted).abs()
    return gap.max().item(), gap.mean().item()


def _against(
    part: Path, written: _Written, generator: Generator, edits: Mapping[str, Edit]
) -> tuple[float, float]:
    """``difference`` of the file just written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what there is to say was said of the original
        return difference(generator, edits, load_generator(part, **written.options))


def _suffix(path: Path, written: Path) -> str:
    """What the name of the file written should end in."""
    if read_checkpoint(written).kind == "safetensors":
        return ".safetensors"
    return path.suffix if path.suffix in (".pth", ".pt", ".bin") else ".pth"


def _checked(edits: Mapping[str, Edit], generator: Generator) -> dict[str, Edit]:
    out = {}
    for name, edit in edits.items():
        layer = generator.layer(name)
        check_edit(name, edit, (layer.units, layer.height, layer.width))
        out[layer.name] = edit
    return out


def _scales(edits: Mapping[str, Edit]) -> dict[str, Scale]:
    """The same edits, all of them factors; ``NotExact`` where one is not."""
    scales = {name: edit for name, edit in edits.items() if isinstance(edit, Scale)}
    for name, edit in edits.items():
        if name not in scales:
            raise NotExact(f"no weight can hold what is done to {name} ({type(edit).__name__})")
    return scales


def _write(
    path: Path, generator: Generator, edits: dict[str, Edit], part: Path, rough: bool
) -> _Written:
    """Write ``part``, folded where that is exact (or ``rough``)."""
    try:
        if not path.is_file():
            raise NotExact("it is no checkpoint file")
        checkpoint = read_checkpoint(path)
        if own.NOTES in checkpoint.metadata:
            own.save_folded(part, generator, _scales(edits))
            return _Written(generator.layout, "folded exactly", "", generator.options)
        layout, state = recognise(checkpoint, weights=generator.options.get(WEIGHTS))
        if any(tensor.dtype.itemsize < 2 for tensor in state.tensors.values()):
            raise NotExact("weights of 8 bits cannot hold a factor")
        fold: Fold = layout.fold
        if rough:
            if layout.rough is None:
                raise NotExact(f"{layout.name} has no approximate fold")
            fold = layout.rough
        folded = fold(state.tensors, generator, _scales(edits))
        left = write_state(part, checkpoint, state, folded)
    except NotExact as reason:
        own.save_generator(part, generator, edits)
        return _carried(reason)
    how = "folded approximately" if rough else "folded exactly"
    why = f"{how}; {layout.told}" if layout.told else how
    options = dict(generator.options)
    if is_alone(checkpoint, state, folded):
        options.pop(WEIGHTS, None)
    return _Written(layout.name, why, _rest(state, left), options)


def _rest(state: State, left: Sequence[str]) -> str:
    """What of a file with more in it was changed, what stayed, and what could not be kept."""
    same = [place for place in state.others if place not in left]
    said = [f"changed: {state.place}"] if state.place else []
    said += [f"kept: {listed(same)}"] if same else []
    said += [f"left out: {listed(left)}"] if left else []
    return "; ".join(said)
