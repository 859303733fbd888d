"""A corrected checkpoint draws what the edited run draws, in its own layout where that is exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from artifact_units.corrections.correction import Correction, text_of
from artifact_units.corrections.export import export, read_edits
from artifact_units.errors import UserError
from artifact_units.files.storage import sha256_of
from artifact_units.generators import load_generator, save_generator
from artifact_units.layers.edits import Calm, Clip, Edit, Scale, Shrink, Silence
from artifact_units.layers.hooks import edited
from artifact_units.layers.latent_edits import Truncate

DATA = Path(__file__).parents[2] / "parity" / "data"
PGGAN = DATA / "pggan-gandissect-a" / "checkpoint.pth"
FUSED = DATA / "pggan-genforce-fused-a" / "checkpoint.pth"
BIGGAN = DATA / "biggan-ajbrock-a" / "G_ema_best0.pth"
DEEP = DATA / "biggan-hf-a" / "pytorch_model.bin"
STYLEGAN2 = DATA / "stylegan2-rosinality-a" / "checkpoint.pt"
NVIDIA = DATA / "stylegan2-nvada-a" / "network-snapshot-py37.pkl"
ABLATION, HALF = Scale((1, 3), (0.0, 0.0)), Scale((1, 3), (0.5, 0.5))


@pytest.mark.parametrize("edit", [ABLATION, HALF], ids=["ablation", "half"])
@pytest.mark.parametrize("path", [PGGAN, FUSED, BIGGAN], ids=lambda path: path.parent.name)
def test_edits_of_every_layer_fold_without_any_difference(tmp_path, path, edit):
    options = {"fused_scale": True} if path == FUSED else {}
    generator = load_generator(path, **options)
    edits = {layer.name: edit for layer in generator.layers}
    done = export(path, edits, tmp_path / "out.pth", **options)
    assert done.why.startswith("folded exactly")
    assert done.largest == 0
    assert load_generator(tmp_path / "out.pth", **options).layout == done.layout
    keys = torch.load(path, weights_only=True).keys()
    written = torch.load(tmp_path / "out.pth", weights_only=True).keys()
    assert written == {key for key in keys if not key.endswith((".u0", ".sv0"))}


def test_a_torch_file_is_not_named_as_a_safetensors_file(tmp_path):
    # torch.load would not read it: it takes the kind of file from the name.
    with pytest.raises(UserError, match=r"it is a torch file; name it out\.pth"):
        export(PGGAN, {"layer2": ABLATION}, tmp_path / "out.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_yaml_file_stands_for_the_checkpoint_and_the_options_that_it_names(tmp_path):
    for path, more in ((FUSED, "options: {fused_scale: true}"), (BIGGAN, "class: 2")):
        said = tmp_path / "generator.yaml"
        said.write_text(f"generator: {path}\nsha256: {sha256_of(path)}\n{more}\n")
        done = export(said, {"layer2": ABLATION}, tmp_path / "out.pth")
        assert done.why.startswith("folded exactly")
        assert done.largest == 0
    assert load_generator(tmp_path / "out.pth").classes == 5  # every class is in the checkpoint


def test_what_lies_beside_the_generator_stays_and_the_file_is_the_same_every_time(tmp_path):
    for name in ("a.pth", "b.pth"):
        export(FUSED, {"layer3": ABLATION}, tmp_path / name, fused_scale=True)
    assert (tmp_path / "a.pth").read_bytes() == (tmp_path / "b.pth").read_bytes()
    before = torch.load(FUSED, weights_only=True)
    after = torch.load(tmp_path / "a.pth", weights_only=True)
    assert after.keys() == before.keys()
    for key, tensor in before["generator"].items():
        assert torch.equal(after["generator"][key], tensor)
    changed = [
        k
        for k, t in before["generator_smooth"].items()
        if not t.equal(after["generator_smooth"][k])
    ]
    assert changed == ["layer2.weight", "layer2.bias"]


def test_a_negative_factor_cannot_be_folded_and_is_carried_along(tmp_path):
    done = export(PGGAN, {"layer2": Scale((0,), (-1.0,))}, tmp_path / "out.safetensors")
    assert done.layout == "artifact-units"
    assert "negative factor" in done.why
    assert done.largest == 0


def test_our_own_pggan_folds_too(tmp_path):
    save_generator(tmp_path / "own", load_generator(PGGAN))
    done = export(tmp_path / "own", {"layer3": ABLATION}, tmp_path / "out.safetensors")
    assert (done.why, done.largest) == ("folded exactly", 0)
    assert load_generator(tmp_path / "out.safetensors").notes == ()


@pytest.mark.parametrize("path", [STYLEGAN2, NVIDIA], ids=lambda path: path.parent.name)
def test_stylegan2_folds_its_last_layer_and_carries_the_others_because_of_noise(tmp_path, path):
    last = load_generator(path).layers[-1].name
    done = export(path, {last: HALF}, tmp_path / "last.pt")
    assert done.why.startswith("folded exactly")
    assert done.largest < 1e-5
    done = export(path, {"layer2": ABLATION, last: HALF}, tmp_path / "both.safetensors")
    assert done.layout == "artifact-units"
    assert "noise comes after the convolution" in done.why
    assert done.largest == 0


def test_where_there_is_no_noise_a_stylegan2_layer_folds_by_its_rows(tmp_path):
    tree = torch.load(STYLEGAN2, weights_only=True)
    tree["g_ema"]["convs.0.noise.weight"].zero_()
    torch.save(tree, tmp_path / "silent.pt")
    done = export(tmp_path / "silent.pt", {"layer2": ABLATION}, tmp_path / "out.pt")
    assert (done.layout, done.largest) == ("stylegan2-rosinality", 0)
    done = export(tmp_path / "silent.pt", {"layer2": HALF}, tmp_path / "out.pt")
    assert "demodulation undoes" in done.why


def test_an_approximate_fold_is_made_on_request_alone_and_measured(tmp_path):
    done = export(STYLEGAN2, {"layer2": ABLATION}, tmp_path / "out.pt", True)
    assert done.layout == "stylegan2-rosinality"
    assert done.why == "folded approximately"
    assert done.largest > 0.01
    assert 0 < done.mean < done.largest


def test_deep_biggan_folds_its_last_layer_only(tmp_path):
    done = export(DEEP, {"layer5": ABLATION}, tmp_path / "out.bin")
    assert done.why.startswith("folded exactly")
    assert done.largest < 1e-6
    assert "identity skip" in export(DEEP, {"layer2": ABLATION}, tmp_path / "out.bin").why


def test_the_exported_image_is_the_edited_one_at_latents_that_export_did_not_look_at(tmp_path):
    export(BIGGAN, {"layer2": ABLATION}, tmp_path / "out.pth")
    generator, written = load_generator(BIGGAN), load_generator(tmp_path / "out.pth")
    latents = torch.randn(3, 16, generator=torch.Generator().manual_seed(9))
    classes = torch.tensor([4, 0, 2])
    with torch.inference_mode(), edited(generator, {"layer2": ABLATION}):
        assert torch.equal(generator(latents, classes), written(latents, classes))


def test_units_and_layers_that_are_not_there_are_named_and_nothing_is_written(tmp_path):
    with pytest.raises(UserError, match="layer3 has units 0 … 23; no unit 24"):
        export(PGGAN, {"layer3": Scale((24,), (0.0,))}, tmp_path / "out.pth")
    with pytest.raises(UserError, match="'layer9' is not in this generator"):
        export(PGGAN, {"layer9": ABLATION}, tmp_path / "out.pth")
    assert list(tmp_path.iterdir()) == []


UNFOLDED: list[Edit] = [
    Clip((1, 3), (-0.1, 0.0), (0.1, 0.2)),
    Shrink((1, 3), (0.5, 0.0), (0.3, -0.2)),
]


@pytest.mark.parametrize("edit", UNFOLDED, ids=lambda edit: type(edit).__name__)
@pytest.mark.parametrize(
    "path", [PGGAN, BIGGAN, DEEP, STYLEGAN2], ids=lambda path: path.parent.name
)
def test_what_no_weight_can_hold_is_carried_in_our_own_layout_without_difference(
    tmp_path, path, edit
):
    done = export(path, {"layer2": edit, "layer3": ABLATION}, tmp_path / "out.safetensors")
    assert done.layout == "artifact-units"
    assert f"no weight can hold what is done to layer2 ({type(edit).__name__})" in done.why
    assert done.largest == 0
    generator, written = load_generator(path), load_generator(tmp_path / "out.safetensors")
    latents = torch.randn(2, generator.latent_dim, generator=torch.Generator().manual_seed(9))
    classes = torch.tensor([0, 1]) if generator.classes else None
    with torch.inference_mode():
        plain = generator(latents, classes)
        assert not torch.equal(written(latents, classes), plain)
        with edited(generator, {"layer2": edit, "layer3": ABLATION}):
            assert torch.equal(written(latents, classes), generator(latents, classes))


def test_edits_of_a_whole_layer_are_carried_too(tmp_path):
    layer = load_generator(PGGAN).layer("layer3")
    shape = (layer.units, layer.height, layer.width)
    rare = Silence.of(np.arange(np.prod(shape)).reshape(shape) % 3 == 0)
    calm = Calm((0.1,) * layer.units, (0.01,) * layer.units, 2.0, 0.1)
    for edit in (rare, calm):
        done = export(PGGAN, {"layer3": edit}, tmp_path / "out.safetensors")
        assert (done.layout, done.largest) == ("artifact-units", 0)
    with pytest.raises(UserError, match="its edit is for"):
        export(PGGAN, {"layer1": rare}, tmp_path / "no.safetensors")


def test_what_our_own_file_carries_comes_before_what_is_added_to_it(tmp_path):
    first, second = Shrink((1,), (0.0,), (0.5,)), Clip((1,), (0.0,), (0.25,))
    export(PGGAN, {"layer2": first}, tmp_path / "one.safetensors")
    done = export(tmp_path / "one.safetensors", {"layer2": second}, tmp_path / "two.safetensors")
    assert done.largest == 0
    generator, written = load_generator(PGGAN), load_generator(tmp_path / "two.safetensors")
    latents = torch.randn(2, generator.latent_dim, generator=torch.Generator().manual_seed(9))
    with edited(generator, {"layer2": lambda maps: second(first(maps))}):
        assert torch.equal(written(latents), generator(latents))


def test_what_our_own_file_carries_survives_a_fold_of_another_edit(tmp_path):
    export(PGGAN, {"layer2": UNFOLDED[0]}, tmp_path / "one.safetensors")
    done = export(tmp_path / "one.safetensors", {"layer3": ABLATION}, tmp_path / "two.safetensors")
    assert (done.why, done.largest) == ("folded exactly", 0)
    assert "carries edits of layer2" in load_generator(tmp_path / "two.safetensors").notes[0]


def test_edits_are_read_by_repeat(tmp_path):
    path = tmp_path / "edits.json"
    path.write_text(text_of([Correction(), Correction({"layer3": ABLATION})]))
    assert read_edits(path) == {}
    assert read_edits(path, 1) == {"layer3": ABLATION}


def test_what_is_no_part_of_a_generator_is_refused(tmp_path):
    path = tmp_path / "edits.json"
    gated = Correction({"layer3": ABLATION}, gate=0.5)
    path.write_text(text_of([gated, Correction(latent=Truncate(1.0))]))
    with pytest.raises(UserError, match="its gate needs the classifier, which no checkpoint holds"):
        read_edits(path)
    with pytest.raises(UserError, match="edits latents, not layers"):
        read_edits(path, 1)


@pytest.mark.parametrize("name", ["out", "edits", "path", "rough"])
def test_an_option_that_the_layout_has_not_is_named_whatever_it_is_called(tmp_path, name):
    with pytest.raises(UserError, match=f"has no option '{name}'"):
        export(PGGAN, {}, tmp_path / "out.pth", False, **{name: 3})
