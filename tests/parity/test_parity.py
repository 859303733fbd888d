"""What the public implementations draw from their own checkpoints, we draw too."""

from __future__ import annotations

import os

import pytest
import torch
from parity.cases import Case, cases, fits, name_of, outputs
from torch.nn.functional import leaky_relu

from artifact_units.layers.hooks import edited

ALL = cases()
TRUNCATIONS = {
    "image_trunc07": {"truncation": 0.7},
    "image_trunc07_cut3": {"truncation": 0.7, "cutoff": 3},
    "image_trunc07_l3": {"truncation": 0.7, "cutoff": 3},
    "image_trunc043": {"truncation": 0.43},
    "image_trunc1": {"truncation": 1.0},
}


def holding(part: str) -> list[Case]:
    return [case for case in ALL if any(part in key for key in case.expected())]


every = pytest.mark.parametrize("case", ALL, ids=str)
gan_zoo = pytest.mark.parametrize("case", holding(".preact"), ids=str)
truncating = pytest.mark.parametrize("case", holding("image_trunc"), ids=str)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    # The canary of NVIDIA's pickles writes into the working folder.
    monkeypatch.chdir(tmp_path)
    yield
    assert not os.listdir(tmp_path)


@every
def test_the_image_is_the_peers(case: Case):
    latents, given = case.inputs()
    with torch.inference_mode():
        assert fits(case.load()(latents, **given), case.expected()["image"])


@every
def test_every_layer_is_the_peers(case: Case):
    generator, expected = case.load(), case.expected()
    latents, given = case.inputs()
    names = {name_of(generator, key): key for key in expected if not key.startswith("image")}
    names = {name: key for name, key in names.items() if name is not None}
    with torch.inference_mode(), outputs(generator, names) as maps:
        generator(latents, **given)
    assert [key for name, key in names.items() if not fits(maps[name], expected[key])] == []
    inside = {key for key in expected if key.endswith(".preact")}
    assert set(expected) - set(names.values()) - inside == {
        key for key in expected if key.startswith("image")
    }


@gan_zoo
def test_what_the_gan_zoo_records_before_its_activation_is_the_layer_after_it(case: Case):
    generator, expected = case.load(), case.expected()
    names = [key.removesuffix(".preact") for key in expected if key.endswith(".preact")]
    layers = {generator.layer(name).name: name for name in names}
    with torch.inference_mode(), outputs(generator, layers) as maps:
        generator(case.inputs()[0], **case.inputs()[1])
    for layer, name in layers.items():
        assert fits(maps[layer], leaky_relu(expected[f"{name}.preact"], 0.2))


@every
def test_edited_images_are_the_peers(case: Case):
    generator, expected = case.load(), case.expected()
    latents, given = case.inputs()
    for key, edits in case.edits().items():
        # GAN Zoo's "post" edits scale units after the pixel norm.
        after = ".norm" if key.endswith("_post") else ""
        ours = {name_of(generator, module + after) or module: e for module, e in edits.items()}
        with torch.inference_mode(), edited(generator, ours):
            assert fits(generator(latents, **given), expected[f"image_edit_{key}"]), key


@truncating
def test_truncated_images_are_the_peers(case: Case):
    expected = case.expected()
    latents, given = case.inputs()
    classes = {"classes": given["classes"]} if "classes" in given else {}
    for key in (key for key in expected if key.startswith("image_trunc")):
        with torch.inference_mode():
            image = case.load().network(latents, **classes, **TRUNCATIONS[key])
        assert fits(image, expected[key]), key


@every
def test_images_do_not_depend_on_how_they_are_batched(case: Case):
    generator = case.load()
    stream = torch.Generator().manual_seed(0)
    latents = torch.randn(5, generator.latent_dim, generator=stream)
    classes = torch.arange(5) % generator.classes if generator.classes else None
    with torch.inference_mode():
        whole = generator(latents, classes)
        for sizes in ([1] * 5, [2, 3]):
            chosen = [None] * len(sizes) if classes is None else classes.split(sizes)
            parts = [generator(z, c) for z, c in zip(latents.split(sizes), chosen, strict=True)]
            apart = (torch.cat(parts) - whole).abs().max()
            assert apart <= 1e-5 * whole.abs().max()  # products of matrices sum in another order
