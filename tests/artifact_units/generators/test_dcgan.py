"""A DCGAN as PyTorch's tutorial writes it, held against that network written plainly here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from artifact_units.corrections.export import export
from artifact_units.errors import UserError
from artifact_units.generators import load_generator
from artifact_units.layers.edits import Clip, Scale
from artifact_units.layers.hooks import edited, recorded

STREAM = torch.Generator().manual_seed(0)
LATENTS = torch.randn(3, 7, generator=STREAM)
TANH = {"rtol": 3e-7, "atol": 0}  # ours is within two units in the last place
EDIT = Scale((1, 3), (0.0, 0.5))


class Tutorial(nn.Module):
    """The tutorial's generator: widths[0] units at 4 px, doubled until the image."""

    def __init__(self, entries: int, widths: Sequence[int], dropout: bool = False) -> None:
        super().__init__()
        modules: list[nn.Module] = []
        for k, units in enumerate(widths):
            place = (2, 1) if k else (1, 0)
            modules.append(nn.ConvTranspose2d(entries, units, 4, *place, bias=False))
            modules += [nn.BatchNorm2d(units), nn.ReLU(True)]
            modules += [nn.Dropout(0.2)] if dropout and k == 0 else []
            entries = units
        modules += [nn.ConvTranspose2d(entries, 3, 4, 2, 1, bias=False), nn.Tanh()]
        self.main = nn.Sequential(*modules)
        for name, tensor in self.state_dict().items():
            if tensor.is_floating_point():
                values = torch.randn(tensor.shape, generator=STREAM) * 0.5
                tensor.copy_(values.abs() + 0.1 if name.endswith("var") else values)
        self.eval()

    @torch.inference_mode()
    def forward(self, latents: Tensor, **scaled: Tensor) -> Tensor:
        """``scaled``: factors by unit of what ``main.N`` gives, as ``main_N``."""
        x = latents[:, :, None, None]
        for n, module in enumerate(self.main):
            x = module(x) * scaled.get(f"main_{n}", torch.ones(1))
        return x


def write(path: Path, network: Tutorial, wrap: str = "", prefix: str = "") -> Path:
    state: dict[str, Any] = {prefix + k: v for k, v in network.state_dict().items()}
    torch.save({wrap: state, "epoch": 3} if wrap else state, path)
    return path


@pytest.mark.parametrize("widths", [[8, 6, 4], [8, 6, 5, 4], [8, 6, 5, 5, 4]], ids=len)
def test_the_image_and_every_layer_are_the_tutorials_at_32_64_and_128_px(tmp_path, widths):
    network = Tutorial(7, widths)
    generator = load_generator(write(tmp_path / "g.pth", network))
    assert (generator.layout, generator.latent_dim, generator.classes) == ("dcgan", 7, 0)
    assert generator.image_px == 8 * 2 ** (len(widths) - 1)
    grids = [(layer.units, layer.height, layer.width) for layer in generator.layers]
    assert grids == [(units, 4 * 2**k, 4 * 2**k) for k, units in enumerate(widths)]
    with torch.inference_mode(), recorded(generator, [x.name for x in generator.layers]) as maps:
        torch.testing.assert_close(generator(LATENTS), network(LATENTS), **TANH)
    x = LATENTS[:, :, None, None]
    with torch.inference_mode():
        for n, module in enumerate(network.main):
            x = module(x)
            if isinstance(module, nn.ReLU):
                assert torch.equal(maps[generator.layer(f"main.{n}").name], x)


@pytest.mark.parametrize("wrap", ["", "netG_state_dict", "generator", "netG", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.filterwarnings("ignore:.*does not tell")
def test_it_is_found_in_whatever_it_is_wrapped_in_and_exported_within_it(tmp_path, wrap, prefix):
    network = Tutorial(7, [8, 6, 5, 4])
    path = write(tmp_path / "g.pth", network, wrap, prefix)
    done = export(path, {"layer1": EDIT, "layer3": EDIT}, tmp_path / "out.pth")
    assert (done.layout, done.why) == ("dcgan", "folded exactly")
    tree = torch.load(tmp_path / "out.pth", weights_only=True)
    assert not wrap or tree["epoch"] == 3
    state = {k.removeprefix("module."): v for k, v in (tree[wrap] if wrap else tree).items()}
    before = network.state_dict()
    changed = [key for key, value in state.items() if not torch.equal(value, before[key])]
    assert changed == ["main.1.weight", "main.1.bias", "main.7.weight", "main.7.bias"]
    factors = {n: torch.ones(units, 1, 1) for n, units in (("main_2", 8), ("main_8", 5))}
    for each in factors.values():
        each[1], each[3] = 0, 0.5
    wanted = network(LATENTS, **factors)
    network.load_state_dict(state)
    assert torch.equal(network(LATENTS), wanted)


def test_factors_that_are_no_power_of_two_fold_within_rounding(tmp_path):
    path = write(tmp_path / "g.pth", Tutorial(7, [8, 6, 5, 4]))
    done = export(path, {"layer2": Scale((0, 2), (0.3, 1.7))}, tmp_path / "out.pth")
    assert (done.layout, done.why) == ("dcgan", "folded exactly")
    assert done.largest < 1e-6


@pytest.mark.parametrize(
    ("edit", "why"),
    [(Scale((0,), (-1.0,)), "negative factor"), (Clip((1,), (0.0,), (0.1,)), "no weight can hold")],
)
def test_what_cannot_be_folded_is_carried_in_our_own_layout(tmp_path, edit, why):
    path = write(tmp_path / "g.pth", Tutorial(7, [8, 6, 5, 4]))
    done = export(path, {"layer2": edit}, tmp_path / "out.safetensors")
    assert done.layout == "artifact-units"
    assert why in done.why
    assert done.largest == 0


def test_a_conditional_one_is_given_its_class_after_the_latent(tmp_path):
    """With the dropout of the one that a registry ships, which an image does not go through."""
    network = Tutorial(7 + 2, [8, 6, 5, 5, 4], dropout=True)
    path = write(tmp_path / "g.pth", network)
    generator = load_generator(path, label_size=2)
    assert (generator.latent_dim, generator.classes, generator.image_px) == (7, 2, 128)
    assert [layer.module for layer in generator.layers][:2] == ["main.2", "main.6"]
    classes = torch.tensor([1, 0, 1])
    joined = torch.cat([LATENTS, torch.eye(2)[classes]], 1)
    with torch.inference_mode(), edited(generator, {"layer2": EDIT}):
        factors = torch.ones(6, 1, 1)
        factors[1], factors[3] = 0, 0.5
        wanted = network(joined, main_6=factors)
        torch.testing.assert_close(generator(LATENTS, classes), wanted, **TANH)
    done = export(path, {"layer2": EDIT}, tmp_path / "out.pth", label_size=2)
    assert (done.layout, done.largest) == ("dcgan", 0)
    with pytest.raises(UserError, match="label_size is 9; of 9 values that the first layer takes"):
        load_generator(path, label_size=9)


def test_what_is_no_such_generator_is_one_line(tmp_path):
    good = Tutorial(7, [8, 6]).state_dict()
    for change, said in (
        ({"main.4.running_var": torch.ones(5)}, r"main\.4\.running_var is \[5\]; \[6\] fits"),
        ({"main.6.weight": torch.ones(6, 1, 4, 4)}, r"draws 1 channel \(grey\)"),
        ({"main.3.weight": torch.ones(8, 6, 3, 3)}, r"main\.3\.weight is .*; \[8, \?, 4, 4\] fits"),
        ({"main.0.bias": torch.ones(8)}, r"main\.0\.bias is not known"),
    ):
        torch.save({**good, **change}, tmp_path / "g.pth")
        with pytest.raises(UserError, match=said):
            load_generator(tmp_path / "g.pth")
    torch.save({"main.0.weight": torch.ones(4, 3, 4, 4)}, tmp_path / "one.pth")
    with pytest.raises(UserError, match="dcgan: one layer and the image take two convolutions"):
        load_generator(tmp_path / "one.pth")
