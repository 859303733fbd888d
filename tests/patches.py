"""A small problem with a known answer: noise is normal, a bright patch on it is the artifact."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from artifact_units.files.storage import sha256_of
from artifact_units.images.image_sets import write_images
from artifact_units.shapes import Images, Masks

PX = 32
PATCH = 8


def patches(number: int, seed: int) -> tuple[Images, Masks]:
    """``number`` images of noise, the odd ones with a patch, and where it is."""
    random = np.random.RandomState(seed)
    images = random.randint(0, 120, (number, 3, PX, PX)).astype(np.uint8)
    masks = np.zeros((number, PX, PX), bool)
    for row in range(1, number, 2):
        top, left = random.randint(0, PX - PATCH, 2)
        masks[row, top : top + PATCH, left : left + PATCH] = True
        images[row, :, masks[row]] = 230
    return torch.from_numpy(images), torch.from_numpy(masks)


def stripes(number: int, seed: int) -> Images:
    """The real images of the problem: noise of half the contrast, with grey stripes."""
    random = np.random.RandomState(seed)
    images = random.randint(60, 120, (number, 3, PX, PX)).astype(np.uint8)
    images[:, :, ::4] = 90
    return torch.from_numpy(images)


def write_problem(folder: Path, generations: int, heldout: int, reals: int) -> None:
    """What the steps read: a checkpoint, its labels, and image sets."""
    (folder / "generator.bin").write_bytes(b"weights")
    checkpoint = sha256_of(folder / "generator.bin")
    labels = [
        {"id": i, "checkpoint": checkpoint, "rater": "a", "verdict": ("normal", "artifact")[i % 2]}
        for i in range(generations)
    ]
    (folder / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in labels))
    sets = folder / "generations"
    write_images(sets / "labelled", range(generations), iter([patches(generations, 0)[0]]))
    ids = range(2_000_000, 2_000_000 + heldout)
    write_images(sets / "heldout", ids, iter([patches(heldout, 1)[0]]))
    write_images(folder / "reals", range(reals), iter([stripes(reals, 2)]))
