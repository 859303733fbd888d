"""Corrections: edits by layer, an edit of the latent, and which generations they are for.

One can be written to ``edits.json`` and read back. With a gate, a generation is corrected where
the classifier's artifact probability of the uncorrected one is at least that; the others stay as
they are, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from artifact_units.computing.batches import batched
from artifact_units.computing.transfers import fetched, sent
from artifact_units.errors import UserError
from artifact_units.files.json_text import parsed
from artifact_units.images.image_sets import byte_from_signed
from artifact_units.images.latents import REDRAWN, latents_of
from artifact_units.labels.verdicts import CLASSES
from artifact_units.layers.edits import (
    KINDS,
    Edit,
    check_edit,
    describe,
    described,
    fits,
    revive,
    revived,
)
from artifact_units.layers.generator import Generator
from artifact_units.layers.hooks import edited
from artifact_units.layers.latent_edits import LATENT_KINDS, LatentEdit, Move
from artifact_units.layers.placing import SMALLER
from artifact_units.shapes import Images, Latents, Logits

ARTIFACT = CLASSES.index("artifact")
FIELDS = ("layers", "latent", "gate", "tries")  # of a correction in edits.json


@dataclass(frozen=True)
class Correction:
    """What is done to a generation. ``gate`` 0: to every one, and nothing is classified.

    ``tries``: how often a generation that is still called an artifact goes through it again.
    """

    layers: Mapping[str, Edit] = field(default_factory=dict)
    latent: LatentEdit | None = None
    gate: float = 0.0
    tries: int = 1


def corrected(
    generator: Generator,
    ids: Sequence[int] | np.ndarray,
    batch: int,
    *,
    correction: Correction,
    classify: Callable[[Images], Logits] | None = None,
) -> Iterator[Images]:
    """The corrected generations of ``ids`` as uint8 batches, in order; a gate needs ``classify``.

    ``classify`` gets images on the generator's device: logits of artifact, normal, real.
    """
    if correction.gate and classify is None:
        raise UserError("a correction with a gate needs the classifier; give it")
    _check_fit(generator, correction)
    every = np.asarray(ids, dtype=np.int64)
    return fetched(
        batched(every, batch, lambda mine: _batch(generator, correction, mine, classify), SMALLER)
    )


def artifact_probability(classify: Callable[[Images], Logits], images: Images) -> torch.Tensor:
    """The classifier's probability that each image is an artifact, float32 ``[image]``."""
    return classify(images).softmax(1)[:, ARTIFACT]


def text_of(corrections: Sequence[Correction]) -> str:
    """The text of ``edits.json``: a list over repeats."""
    plain = [
        {
            "layers": describe(c.layers),
            "latent": c.latent and described(c.latent, LATENT_KINDS),
            "gate": c.gate,
            "tries": c.tries,
        }
        for c in corrections
    ]
    return json.dumps(plain, indent=1, sort_keys=True) + "\n"


def read_corrections(path: Path, repeat: int = 0) -> Correction:
    """One repeat of an ``edits.json``, or one line that says what is wrong with it."""
    repeats = read_repeats(path)
    if not 0 <= repeat < len(repeats):
        raise UserError(f"{path}: holds no repeat {repeat}; it has {len(repeats)}")
    return repeats[repeat]


def read_repeats(path: Path) -> list[Correction]:
    """Every repeat of an ``edits.json``, or one line that says what is wrong with it."""
    try:
        repeats = parsed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not readable as corrections ({error})") from None
    if not isinstance(repeats, list) or not all(isinstance(r, dict) for r in repeats):
        raise UserError(f"{path}: not corrections: a list over repeats")
    return [_revived(path, repeat) for repeat in repeats]


def _revived(path: Path, fields: Mapping[str, Any]) -> Correction:
    if sorted(fields) != sorted(FIELDS):
        raise UserError(f"{path}: a correction has {', '.join(FIELDS)}, not {', '.join(fields)}")
    layers, given, gate, tries = (fields[name] for name in FIELDS)
    if not isinstance(layers, dict):
        raise UserError(f"{path}: layers are no edits by layer")
    if not (fits(gate, float) and 0 <= gate <= 1):
        raise UserError(f"{path}: gate is {gate!r}; it takes a number from 0 to 1")
    if not (fits(tries, int) and tries >= 1):
        raise UserError(f"{path}: tries is {tries!r}; it takes a whole number, at least 1")
    try:
        latent = None if given is None else revived("the latent", given, LATENT_KINDS)
        return Correction(revive(layers), latent, gate, tries)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _check_fit(generator: Generator, correction: Correction) -> None:
    """A UserError where a correction is another generator's."""
    for name, edit in correction.layers.items():
        layer = generator.layer(name)
        if isinstance(edit, tuple(KINDS.values())):
            check_edit(name, edit, (layer.units, layer.height, layer.width))
    if isinstance(correction.latent, Move):
        given = len(correction.latent.direction)
        if given != generator.latent_dim:
            raise UserError(
                f"a correction moves latents of {given} values; this generator takes "
                f"{generator.latent_dim}"
            )


@torch.inference_mode()
def _batch(
    generator: Generator,
    correction: Correction,
    ids: np.ndarray,
    classify: Callable[[Images], Logits] | None,
) -> Images:
    device = next(generator.network.parameters()).device
    latents = sent(latents_of(ids, generator.latent_dim), device)
    if not correction.gate or classify is None:
        return _made(generator, correction, latents, ids + REDRAWN)
    images = byte_from_signed(generator(latents))
    for attempt in range(1, correction.tries + 1):
        wrong = (artifact_probability(classify, images) >= correction.gate).nonzero()[:, 0]
        if not len(wrong):
            break
        fresh = ids[wrong.cpu().numpy()] + attempt * REDRAWN
        images[wrong] = _made(generator, correction, latents[wrong], fresh)
    return images


def _made(
    generator: Generator, correction: Correction, latents: Latents, fresh: np.ndarray
) -> Images:
    if correction.latent is not None:
        latents = correction.latent(latents, fresh)
    with edited(generator, correction.layers):
        return byte_from_signed(generator(latents))
