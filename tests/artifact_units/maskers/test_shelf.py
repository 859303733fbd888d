"""What every masker on the shelf must do, whichever there are."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
import torch

from artifact_units import registry
from artifact_units.classifier.masking import MaskerEvidence
from artifact_units.classifier.network import load_classifier, new_classifier, save_classifier

PX = 16


@pytest.fixture
def evidence(tmp_path) -> MaskerEvidence:
    """Four generations of random bytes, and heatmaps of them in a folder."""
    save_classifier(tmp_path / "classifier", new_classifier("resnet18_narrow", PX, 0))
    stream, ids = np.random.default_rng(0), np.array([5, 3, 9, 4])
    (tmp_path / "heatmaps").mkdir()
    for number in ids:
        np.save(tmp_path / "heatmaps" / f"{number}.npy", stream.random((PX, PX)))
    pixels = torch.from_numpy(stream.integers(0, 256, (4, 3, PX, PX), np.uint8))
    classifier = load_classifier(tmp_path / "classifier")
    return MaskerEvidence(classifier, pixels, ids, ids, tmp_path / "heatmaps")


def needed(mask: Callable[..., Any]) -> dict[str, Any]:
    """A value for each option that has no default: the first there is, or 2."""
    hints = get_type_hints(mask)
    return {
        name: get_args(hints[name])[0] if get_origin(hints[name]) is Literal else 2
        for name, option in registry.options(mask).items()
        if option.default is inspect.Parameter.empty
    }


@pytest.mark.parametrize("name", registry.names("maskers"))
def test_heatmaps_are_of_each_image_alone_and_within_0_and_1(name, evidence) -> None:
    mask = registry.take("maskers", name)
    options = needed(mask)
    logits, heatmaps = mask(evidence, **options)
    assert torch.allclose(logits, evidence.classifier(evidence.images), atol=1e-5)
    assert len(heatmaps) == 4
    assert heatmaps.dtype == torch.float32
    assert heatmaps.min() >= 0
    assert heatmaps.max() <= 1
    assert not heatmaps.requires_grad
    for n in range(4):
        one = slice(n, n + 1)
        alone = mask(
            replace(evidence, images=evidence.images[one], ids=evidence.ids[one]), **options
        )
        assert torch.allclose(alone[1], heatmaps[one], atol=1e-4)
