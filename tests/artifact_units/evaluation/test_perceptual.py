"""ST-LPIPS, held against the network written once more here, with random weights.

Both were held, once, against the public implementation (stlpips-pytorch 0.0.2) with the published
weights: the same numbers to the last bit at 32, 64, 65, 128 and 256 px.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from artifact_units.errors import UserError
from artifact_units.evaluation import perceptual
from artifact_units.files.storage import sha256_of

CPU = torch.device("cpu")
STREAM = torch.Generator().manual_seed(0)


def drawn(*shape: int) -> Tensor:
    return torch.rand(shape, generator=STREAM)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    found = {
        name: (drawn(*shape) - 0.4) / torch.tensor(shape[1:]).prod() ** 0.5
        for name, shape in perceptual.shapes().items()
    }
    return found | {"scaling_layer.scale": torch.full((1, 3, 1, 1), 0.45)}


def load(path: Path, state: dict[str, Tensor], monkeypatch) -> perceptual.Perceptual:
    """With this file's sha256 as the published one."""
    torch.save(state, path)
    trusted = dataclasses.replace(perceptual.WEIGHTS, sha256=sha256_of(path)[:12])
    monkeypatch.setattr(perceptual, "WEIGHTS", trusted)
    return perceptual.load(path, CPU)


def reference(state: dict[str, Tensor], images: Tensor, others: Tensor) -> Tensor:
    """The distance, layer by layer of torch's own modules."""

    def halving(units: int) -> list[nn.Module]:
        blur = nn.Conv2d(units, units, 3, stride=2, groups=units, bias=False)
        return [nn.ReflectionPad2d(2), blur]

    layers = nn.ModuleList(
        nn.Sequential(*modules)
        for modules in (
            [nn.Conv2d(3, 64, 11, padding=2), *halving(64), nn.ReLU()],
            [nn.MaxPool2d(3, 1), *halving(64), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU()],
            [nn.MaxPool2d(3, 1), *halving(192), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()],
            [nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()],
            [nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()],
        )
    )
    order = ["slice1.0", "slice1.1", "slice2.4", "slice2.5", "slice3.8", "slice3.9"]
    order += ["slice4.11", "slice5.13"]
    convolutions = [m for m in layers.modules() if isinstance(m, nn.Conv2d)]
    for name, module in zip(order, convolutions, strict=True):
        kept = {"weight": "filt" if module.bias is None else "weight", "bias": "bias"}
        names = kept if module.bias is not None else {"weight": "filt"}
        module.load_state_dict({k: state[f"net.{name}.{v}"] for k, v in names.items()})
    shift, scale = state["scaling_layer.shift"], state["scaling_layer.scale"]
    x, y = ((given / 127.5 - 1 - shift) / scale for given in (images, others))
    total = torch.zeros(len(images))
    with torch.inference_mode():
        for k, layer in enumerate(layers):
            x, y = layer(x), layer(y)
            one, other = (v / (v.norm(dim=1, keepdim=True) + 1e-10) for v in (x, y))
            weight = state[f"lin{k}.model.1.weight"][0]
            total += (weight * (one - other) ** 2).sum(1).mean((1, 2))
    return total


@pytest.mark.parametrize("px", [32, 47, 64])
def test_the_distance_is_that_of_the_network_written_once_more(state, tmp_path, monkeypatch, px):
    distance = load(tmp_path / "w.pth", state, monkeypatch)
    images, others = ((drawn(3, 3, px, px) * 255).byte() for _ in range(2))
    others[1] = images[1]
    found = distance(images, others)
    torch.testing.assert_close(found, reference(state, images, others), rtol=1e-3, atol=1e-7)
    assert found[1] == 0
    assert found[0] != found[2] != 0
    monkeypatch.setattr(perceptual, "AT_ONCE", px * px)  # one at a time
    assert torch.allclose(distance(images, others), found)


def test_too_small_images_and_other_files_are_refused_in_one_line(state, tmp_path, monkeypatch):
    distance = load(tmp_path / "w.pth", state, monkeypatch)
    small = torch.zeros(1, 3, 31, 31, dtype=torch.uint8)
    with pytest.raises(UserError, match="images of 31 px; ST-LPIPS takes 32 or more"):
        distance(small, small)
    wrong = {**state, "net.slice4.11.weight": torch.zeros(2)}
    with pytest.raises(UserError, match=r"net\.slice4\.11\.weight is \[2\]; it should be \[256"):
        load(tmp_path / "wrong.pth", wrong, monkeypatch)
    del wrong["net.slice4.11.weight"]
    with pytest.raises(UserError, match=r"net\.slice4\.11\.weight is missing"):
        load(tmp_path / "wrong.pth", wrong, monkeypatch)
    with pytest.raises(UserError, match=r"put there alex_shift_tolerant\.pth"):
        perceptual.load(tmp_path / "none.pth", CPU)
