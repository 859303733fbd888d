"""Inception, VGG-16, EfficientNet-Lite0 with random weights: nobody's published ones are here."""

from __future__ import annotations

import dataclasses
import io
import socket

import lite0
import pytest
import torch
from torch.nn import functional as F

from artifact_units import registry
from artifact_units.errors import UserError
from artifact_units.extractors import efficientnet_lite0, inception, vgg16
from artifact_units.files import pickle_judge
from artifact_units.files.storage import sha256_of

CPU = torch.device("cpu")
IMAGES = torch.randint(0, 256, (2, 3, 24, 24), generator=torch.Generator().manual_seed(0)).byte()


def small_random(shapes: dict[str, torch.Size]) -> dict[str, torch.Tensor]:
    """Random weights that differ by output alone: a file of kilobytes, whatever the network.

    Each output is about the mean of its inputs, so that nothing explodes or dies on the way.
    """
    generator = torch.Generator().manual_seed(1)
    state = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(0)
        elif len(shape) == 1:
            ones = name.endswith(("weight", "running_var"))
            state[name] = (
                torch.full(shape, float(ones)) + torch.rand(shape, generator=generator) / 9
            )
        else:
            column = torch.rand(shape[0], *[1] * (len(shape) - 1), generator=generator) + 0.5
            state[name] = (column / shape[1:].numel()).expand(shape)
    return state


def shapes_of(make) -> dict[str, torch.Size]:
    with torch.device("meta"):
        return {name: value.shape for name, value in make().state_dict().items()}


def inception_network():
    from torch_fidelity import feature_extractor_inceptionv3 as theirs

    network = theirs.FeatureExtractorInceptionV3.__new__(theirs.FeatureExtractorInceptionV3)
    load = torch.nn.Module.load_state_dict
    try:  # the constructor insists on weights
        torch.nn.Module.load_state_dict = lambda *_args, **_kwargs: None  # type: ignore[assignment]
        empty = io.BytesIO()
        torch.save({}, empty)
        empty.seek(0)
        network.__init__("inception", ["2048"], feature_extractor_weights_path=empty)
    finally:
        torch.nn.Module.load_state_dict = load
    return network


def vgg16_network():
    from torchvision.models import vgg16 as theirs

    return theirs(weights=None, init_weights=False)


SHAPES = {
    "inception": lambda: shapes_of(inception_network),
    "vgg16": lambda: shapes_of(vgg16_network),
    "efficientnet_lite0": lite0.shapes,
}
MODULES = {"inception": inception, "vgg16": vgg16, "efficientnet_lite0": efficientnet_lite0}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    paths = {}
    for name, shapes in SHAPES.items():
        paths[name] = tmp_path_factory.mktemp("weights") / f"{name}.pth"
        torch.save(small_random(shapes()), paths[name])
    return paths


def load(name, path, monkeypatch):
    """The extractor, with this file's sha256 as the published one."""
    trusted = dataclasses.replace(MODULES[name].WEIGHTS, sha256=sha256_of(path)[:8])
    monkeypatch.setattr(MODULES[name], "WEIGHTS", trusted)
    return registry.take("extractors", name)(path, CPU)


@pytest.fixture(scope="module")
def extractors(saved):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pickle_judge, "SPREAD", 10**9)  # a file of kilobytes holds the whole network
        return {name: load(name, path, patch) for name, path in saved.items()}


@pytest.mark.parametrize(
    ("name", "dim"), [("inception", 2048), ("vgg16", 4096), ("efficientnet_lite0", 1280)]
)
def test_features_are_the_same_in_any_batch(name, dim, extractors) -> None:
    extractor = extractors[name]
    together, alone = extractor.extract(IMAGES), extractor.extract(IMAGES[1:])
    assert together.shape == (2, dim)
    assert together.dtype == torch.float32
    assert (extractor.name, extractor.dim) == (name, dim)
    torch.testing.assert_close(together[1:], alone, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(together[:1], alone, rtol=1e-5, atol=1e-6)


def test_inception_gives_what_torch_fidelity_gives(saved, extractors) -> None:
    from torch_fidelity import FeatureExtractorInceptionV3

    theirs = FeatureExtractorInceptionV3(
        "inception", ["2048"], feature_extractor_weights_path=str(saved["inception"])
    )
    assert torch.equal(extractors["inception"].extract(IMAGES[:1]), theirs(IMAGES[:1])[0])


def test_vgg16_stops_after_the_second_dense_layer(saved, extractors) -> None:
    network = vgg16_network()
    network.load_state_dict(torch.load(saved["vgg16"]))
    seen = []
    network.classifier[4].register_forward_hook(lambda _m, _i, output: seen.append(output.clone()))
    # A grey image stays grey in any size, so the resizing drops out: (0.5 - mean) / deviation.
    grey = torch.full((1, 3, 30, 30), 51, dtype=torch.uint8)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    level = ((0.2 - mean) / deviation)[None, :, None, None].expand(1, 3, 224, 224)
    with torch.inference_mode():
        network.eval()(level)
    ours = extractors["vgg16"].extract(grey)
    assert seen[0].shape == (1, 4096)
    torch.testing.assert_close(ours, seen[0], rtol=1e-4, atol=1e-5 * float(ours.abs().max()))


def test_lite0_gives_what_it_gives_written_as_functions_of_the_published_names(
    saved, extractors
) -> None:
    pixels = F.interpolate(IMAGES / 255, (224, 224), mode="bilinear", antialias=True)
    wanted = lite0.features(torch.load(saved["efficientnet_lite0"]), (255 * pixels - 127) / 128)
    found = extractors["efficientnet_lite0"].extract(IMAGES)
    assert len(found.unique()) > 1000
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODULES)
def test_missing_weights_are_not_fetched(name, tmp_path, monkeypatch) -> None:
    def never(*_args, **_kwargs):
        raise AssertionError("asked the network")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    with pytest.raises(UserError, match=MODULES[name].WEIGHTS.sha256):
        registry.take("extractors", name)(tmp_path / "none.pth", CPU)


@pytest.mark.parametrize("name", MODULES)
def test_weights_of_another_file_are_refused(name, saved) -> None:
    with pytest.raises(UserError, match=f"not {MODULES[name].WEIGHTS.file}"):
        registry.take("extractors", name)(saved[name], CPU)


@pytest.mark.parametrize("name", MODULES)
def test_weights_of_another_network_are_one_line(name, tmp_path, monkeypatch) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(UserError, match="not the weights of this network") as caught:
        load(name, tmp_path / "a.pth", monkeypatch)
    assert "\n" not in str(caught.value)


class Evil:
    def __init__(self, mark) -> None:
        self.mark = mark

    def __reduce__(self):
        return type(self.mark).touch, (self.mark,)


@pytest.mark.parametrize("name", MODULES)
def test_a_malicious_weights_file_is_never_run(name, tmp_path, monkeypatch) -> None:
    torch.save({"fc.weight": Evil(tmp_path / "ran")}, tmp_path / "evil.pth")
    with pytest.raises(UserError, match="refused, because its pickle asks for"):
        load(name, tmp_path / "evil.pth", monkeypatch)
    assert not (tmp_path / "ran").exists()
