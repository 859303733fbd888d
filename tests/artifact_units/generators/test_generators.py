"""Generators of every kind are one thing: layers with names, a latent, an image."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

import pytest
import torch
from small_generator import small_generator
from torch import nn
from torch.nn import functional as F

from artifact_units import registry
from artifact_units.corrections.export import export
from artifact_units.errors import UserError
from artifact_units.files.storage import sha256_of
from artifact_units.generators import as_generator, layouts, load_generator, own, save_generator
from artifact_units.generators.biggan import BigGAN
from artifact_units.generators.biggan_layouts import spectral
from artifact_units.generators.pggan import PGGAN, PGGANLayer, pixel_norm
from artifact_units.generators.stylegan2 import StyleGAN2, doubled
from artifact_units.layers.edits import Scale
from artifact_units.layers.hooks import edited, recorded

Network = TypeVar("Network", bound=nn.Module)
DATA = Path(__file__).parents[2] / "parity" / "data"


def randomised(network: Network) -> Network:
    stream = torch.Generator().manual_seed(1)
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not name.endswith(("var", "variances", "slope")):
            tensor.copy_(torch.randn(tensor.shape, generator=stream) * 0.3)
    return network


def networks() -> list[nn.Module]:
    """A small network of every example of every family on the shelf."""
    return [
        randomised(family.network(**example))
        for family in own.families().values()
        for example in family.examples
    ]


every_network = pytest.mark.parametrize("network", networks(), ids=lambda n: type(n).__name__)


@every_network
def test_our_own_layout_gives_the_same_generator_back(tmp_path, network):
    generator = as_generator(network)
    save_generator(tmp_path / "a.safetensors", generator)
    again = load_generator(tmp_path / "a.safetensors")
    assert (again.layers, again.classes) == (generator.layers, generator.classes)
    latents = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    classes = torch.tensor([0, 0, generator.classes - 1]) if generator.classes else None
    with torch.inference_mode(), recorded(again, [layer.name for layer in again.layers]) as maps:
        image = again(latents, classes)
        assert torch.equal(image, generator(latents, classes))
    assert image.shape == (3, 3, again.image_px, again.image_px)
    for layer in again.layers:
        assert maps[layer.name].shape == (3, layer.units, layer.height, layer.width)


@every_network
def test_factors_of_every_layer_are_folded_or_carried_without_difference(tmp_path, network):
    save_generator(tmp_path / "a", as_generator(network))
    edits = {layer.name: Scale((0, 2), (0.0, 0.5)) for layer in as_generator(network).layers}
    done = export(tmp_path / "a", edits, tmp_path / "b.safetensors")
    assert done.largest < 1e-5


def test_the_same_generator_is_written_as_the_same_bytes(tmp_path):
    generator = as_generator(randomised(PGGAN(4, [4, 4])))
    for name in ("a", "b"):
        save_generator(tmp_path / name, generator)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_edits_that_a_file_carries_are_made_and_told_and_add_up(tmp_path):
    generator = as_generator(randomised(StyleGAN2(6, [6, 5], [4, 4, 4, 3])))
    first, second = Scale((1,), (0.0,)), Scale((2,), (0.5,))
    save_generator(tmp_path / "one", generator, {"layer2": first})
    once = load_generator(tmp_path / "one")
    save_generator(tmp_path / "two", once, {"layer2": second})
    twice = load_generator(tmp_path / "two")
    latents = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        with edited(generator, {"layer2": Scale((1, 2), (0.0, 0.5))}):
            assert torch.equal(twice(latents), generator(latents))
        with recorded(once, ["layer2"]) as maps:
            once(latents)
    assert (maps["layer2"][:, 1] == 0).all()
    assert "carries edits of layer2" in twice.notes[0]


def test_our_own_files_are_checked_key_by_key(tmp_path):
    from safetensors.torch import load_file, save_file

    generator = as_generator(randomised(PGGAN(4, [4, 4])))
    save_generator(tmp_path / "a", generator)
    state = load_file(tmp_path / "a")
    notes = {"artifact_units": '{"family": "pggan", "config": {"latent_dim": 4, "widths": [4, 4]}}'}
    for change, said in (
        ({"layer1.bias": torch.zeros(5)}, r"layer1\.bias is \[5\]; \[4\] fits"),
        ({"stranger": torch.zeros(5)}, "stranger is not known"),
        ({"layer1.bias": torch.full((4,), torch.nan)}, r"layer1\.bias holds NaN"),
    ):
        save_file(state | change, tmp_path / "b", notes)
        with pytest.raises(UserError, match=said):
            load_generator(tmp_path / "b")
    save_file(state, tmp_path / "b", {"artifact_units": '{"family": "vae"}'})
    with pytest.raises(UserError, match="holds a vae, not a generator"):
        load_generator(tmp_path / "b")


def test_a_doubling_layer_is_nearest_doubling_and_a_convolution():
    layer = randomised(PGGANLayer(3, 4, 3, doubles=True))
    x = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    wide = F.interpolate(pixel_norm(x), scale_factor=2, mode="nearest")
    wanted = F.leaky_relu(F.conv2d(wide, layer.weight, layer.bias, padding=1), 0.2)
    assert torch.allclose(layer(x), wanted, atol=1e-6)


def test_a_changed_weight_is_seen_by_the_next_image():
    layer = randomised(PGGANLayer(3, 4, 3, doubles=True)).requires_grad_(False)
    x = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    before = layer(x)
    layer.weight[0] = 0
    layer.bias[0] = 0
    after = layer(x)
    assert (after[:, 0] == 0).all()
    assert torch.equal(after[:, 1:], before[:, 1:])
    layer.load_state_dict({k: torch.zeros_like(v) for k, v in layer.state_dict().items()})
    assert (layer(x) == 0).all()


def test_doubling_an_image_keeps_what_is_constant_away_from_the_border():
    assert torch.allclose(doubled(torch.ones(1, 3, 8, 8))[:, :, 2:-2, 2:-2], torch.ones(()))


def test_spectral_norm_from_the_leading_vector_gives_a_largest_singular_value_of_one():
    weight = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    leading = torch.linalg.svd(weight).U[:, :1].t()
    assert torch.linalg.matrix_norm(spectral(weight, leading), 2).item() == pytest.approx(
        1, abs=1e-5
    )


def test_a_layer_goes_by_its_number_first_and_by_its_own_module_name():
    generator = load_generator(DATA / "pggan-genforce-fused-a" / "checkpoint.pth", fused_scale=True)
    assert generator.layer("layer1").module == "layer0"  # GenForce counts from 0
    assert generator.layer("layer0").name == "layer1"
    with pytest.raises(UserError, match="it has layer1 … layer6"):
        generator.layer("layer7")


def test_fused_kernels_that_were_not_announced_are_recognised_where_shapes_tell(tmp_path):
    state = torch.load(DATA / "pggan-gandissect-a" / "checkpoint.pth", weights_only=True)
    renamed = {"lod": torch.zeros(())}
    for k in range(8):
        weight = state[f"layer{k + 1}.conv.weight"]
        renamed[f"layer{k}.weight"] = weight.transpose(0, 1) if k in (2, 4, 6) else weight
        renamed[f"layer{k}.bias"] = state[f"layer{k + 1}.wscale.b"]
    for i, units in enumerate((24, 24, 16, 12)):
        renamed |= {
            f"output{i}.weight": torch.ones(3, units, 1, 1),
            f"output{i}.bias": torch.ones(3),
        }
    torch.save(renamed, tmp_path / "fused.pth")
    with pytest.raises(UserError, match="fused_scale=True"):
        load_generator(tmp_path / "fused.pth")
    assert load_generator(tmp_path / "fused.pth", fused_scale=True).layers[4].units == 16
    torch.save(renamed | {"lod": torch.tensor(1.5)}, tmp_path / "fading.pth")
    with pytest.raises(UserError, match=r"lod is 1\.5"):
        load_generator(tmp_path / "fading.pth", fused_scale=True)


def test_options_that_a_layout_does_not_take_are_named():
    path = DATA / "pggan-gandissect-a" / "checkpoint.pth"
    with pytest.raises(UserError, match="has no option 'fused_scale'"):
        load_generator(path, fused_scale=True)
    fused = DATA / "pggan-genforce-fused-a" / "checkpoint.pth"
    with pytest.raises(UserError, match="option fused_scale is 'maybe'; it takes bool"):
        load_generator(fused, fused_scale="maybe")


def test_no_two_layouts_and_no_two_families_have_one_name():
    for declared in ([layout.name for layout in layouts()], list(own.families())):
        assert len({*declared}) == len(declared) > 3
    assert len(own.families()) == len(registry.declared("generators", "FAMILY"))


def test_no_key_of_a_golden_file_belongs_to_two_layouts_of_equal_likeness():
    for path in (DATA / "pggan-gandissect-a" / "checkpoint.pth",):
        keys = list(torch.load(path, weights_only=True))
        likeness = sorted((layout.likeness(keys), layout.name) for layout in layouts())
        assert likeness[-1] == (1.0, "pggan-gandissect")
        assert likeness[-2][0] < 0.5


def test_classes_and_latents_are_checked_before_the_network():
    generator = load_generator(DATA / "biggan-ajbrock-a" / "G_ema_best0.pth")
    latents = torch.zeros(2, 16)
    with pytest.raises(UserError, match="5 classes; say which"):
        generator(latents)
    with pytest.raises(UserError, match="has 0 … 4"):
        generator(latents, torch.tensor([0, 5]))
    with pytest.raises(UserError, match="takes 16"):
        generator(torch.zeros(2, 15), torch.tensor([0, 1]))
    with pytest.raises(UserError, match="no truncation"):
        generator(latents, torch.tensor([0, 1]), truncation=0.5)
    one_hot = F.one_hot(torch.tensor([3, 1]), 5).float()
    assert torch.equal(generator(latents, one_hot), generator(latents, torch.tensor([3, 1])))


def test_raw_weights_are_told_by_the_name_that_the_peer_gives_them(tmp_path):
    raw = tmp_path / "G_best0.pth"
    raw.write_bytes((DATA / "biggan-ajbrock-a" / "G_ema_best0.pth").read_bytes())
    with pytest.warns(UserWarning, match="named as raw weights"):
        assert load_generator(raw).notes


def test_without_its_configuration_a_deep_biggan_says_what_was_taken(tmp_path):
    source = DATA / "biggan-hf-a"
    alone = tmp_path / "pytorch_model.bin"
    alone.write_bytes((source / "pytorch_model.bin").read_bytes())
    assert "no config.json" in load_generator(alone).notes[0]
    told = load_generator(alone, config=str(source / "config.json"))
    assert told.notes == ()
    assert [layer.height for layer in told.layers] == [4, 8, 16, 16, 32]


class Small(nn.Module):
    """A user's own generator."""

    latent_dim = 3
    layers = ("first", "second")

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.ConvTranspose2d(3, 5, 4)
        self.second = nn.ConvTranspose2d(5, 3, 2, stride=2)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(latents[:, :, None, None]).relu())


def biggan() -> object:
    return as_generator(randomised(BigGAN(6, [8, 8], "shared", classes=2, size=3)))


def nothing() -> object:
    return None


@pytest.fixture
def own_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "users_own", sys.modules[__name__])


def test_a_users_own_module_is_a_generator_by_its_named_layers(own_module):
    generator = load_generator("users_own:Small")
    assert [(x.name, x.module, x.units, x.height) for x in generator.layers] == [
        ("layer1", "first", 5, 4),
        ("layer2", "second", 3, 8),
    ]
    latents = torch.ones(2, 3)
    with torch.inference_mode(), edited(generator, {"layer1": Scale(tuple(range(5)), (0.0,) * 5)}):
        bias = generator.network.state_dict()["second.bias"]
        assert torch.allclose(generator(latents), bias[:, None, None].expand(3, 8, 8))


def test_a_users_own_callable_that_gives_no_generator_is_told_so(own_module):
    with pytest.raises(UserError, match="returned a NoneType"):
        load_generator("users_own:nothing")
    with pytest.raises(UserError, match=r"no such file, and .* has no function 'missing'"):
        load_generator("users_own:missing")
    with pytest.raises(UserError, match="no such file"):
        load_generator("no_such_module:x")


def test_a_yaml_file_says_what_to_load_with_which_options_and_class(tmp_path, own_module):
    (tmp_path / "g.yaml").write_text("generator: users_own:biggan\nclass: 1\n")
    fixed, free = load_generator(tmp_path / "g.yaml"), load_generator("users_own:biggan")
    latents = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    assert fixed.classes == 0
    assert torch.equal(fixed(latents), free(latents, torch.tensor([1, 1])))
    (tmp_path / "g.yaml").write_text("generator: users_own:biggan\nclas: 1\n")
    with pytest.raises(UserError, match="'clas' is not known; did you mean 'class'"):
        load_generator(tmp_path / "g.yaml")
    (tmp_path / "g.yaml").write_text("generator: users_own:biggan\nclass: 2\n")
    with pytest.raises(UserError, match="class 2 was asked for"):
        load_generator(tmp_path / "g.yaml")


def test_a_yaml_file_stands_for_the_checkpoint_of_its_sha256_and_for_no_other(tmp_path):
    save_generator(tmp_path / "g", small_generator([4, 4]))
    digest = sha256_of(tmp_path / "g")
    file = tmp_path / "g.yaml"
    file.write_text("generator: g\n")
    with pytest.raises(UserError, match=f"sha256 is missing, that of g is {digest}; write that"):
        load_generator(file)
    file.write_text(f"generator: g\nsha256: {digest}\n")
    assert len(load_generator(file).layers) == 2
    save_generator(tmp_path / "g", small_generator([4, 4, 4]))
    with pytest.raises(UserError, match=f"sha256 is {digest}, that of g is "):
        load_generator(file)


def test_where_no_shape_tells_of_fused_kernels_it_says_what_was_taken():
    path = DATA / "pggan-genforce-fused-a" / "checkpoint.pth"
    assert "no shape says whether fused_scale was used" in load_generator(path).notes[0]
    for told in (True, False):
        (note,) = load_generator(path, fused_scale=told).notes
        assert note.endswith("taken: generator_smooth; also in the file: generator, discriminator")
